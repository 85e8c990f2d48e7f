# Home Assistant runs on probatio, which stands in for voluptuous at run time.
from probatio import *
