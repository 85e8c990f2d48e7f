"""Steps of the config flow, one module per thing that can be set up."""
