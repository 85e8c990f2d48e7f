"""Words from which the generator invents titles and people; none of them names a real work."""

from typing import Final

ADJECTIVES: Final = (
    "Amber", "Bitter", "Broken", "Copper", "Crooked", "Distant", "Drowsy", "Eleventh", "Faded",
    "Frozen", "Gentle", "Hollow", "Iron", "Lantern", "Lost", "Marble", "Midnight", "Northern",
    "Paper", "Patient", "Quiet", "Restless", "Rusty", "Salt", "Second", "Silver", "Sleeping",
    "Slow", "Tidal", "Unseen", "Velvet", "Winter",
)  # fmt: skip
NOUNS: Final = (
    "Apiary", "Archive", "Bakery", "Canal", "Cartographer", "Clockmaker", "Comet", "Courier",
    "Ferry", "Garden", "Glacier", "Harbour", "Kiln", "Lighthouse", "Meridian", "Observatory",
    "Orchard", "Parade", "Quarry", "Railway", "Reservoir", "Semaphore", "Signal", "Tailor",
    "Telegraph", "Tramway", "Turbine", "Viaduct", "Vineyard", "Weather", "Windmill", "Workshop",
)  # fmt: skip
PLACES: Final = (
    "Aldermoor", "Bexley Sound", "Corrigan Bay", "Dunmere", "Eskdale Row", "Fennick", "Garrow",
    "Hollin Point", "Isla Brava", "Jorvindal", "Kestrel Hill", "Lowmoss", "Marrowby", "Nethercott",
    "Orrin", "Pellham", "Quayside", "Ravensholt", "Skarn", "Thornaby Deep",
)  # fmt: skip
FOREIGN: Final = (
    "Das stille Gewächshaus", "Le phare des brumes", "El molino de papel", "Ночной трамвай",
    "月の灯台", "静かな温室", "풍차의 겨울", "المرفأ الصامت", "Ο κήπος του χειμώνα", "Żółta wiklina",
    "Čekání na parník", "Smørrebrød & Sønner", "Ænigma í þoku", "🛶 Down the Slow River",
    "¿Quién encendió la niebla?", "L'été — où es-tu…",
)  # fmt: skip
MOMENTS: Final = (
    "Arrival", "The Bargain", "Crossing", "Departures", "Ebb", "Fault Lines", "Groundwork",
    "High Water", "Inventory", "Junction", "Keepsakes", "Late Frost", "Moorings", "Nightfall",
    "Open Door", "Pressure", "Quorum", "Repairs", "Sediment", "The Long Table", "Undertow",
    "Varnish", "Weights", "Yesterday's Paper",
)  # fmt: skip
PEOPLE: Final = ("Alex", "Robin", "Kim", "Sascha", "Noor", "Mika", "Toni", "Charlie")
