"""A source tree -> the services, resources and secrets of a spec, each with the place where it was found.

Only reading: nothing of the tree is executed, no link is followed, and no value that may be secret is copied.
"""

from generator.detect.assembly import detect
from generator.detect.found import Detection, Found, Resource, Service
from generator.detect.text import spec_text

__all__ = ["Detection", "Found", "Resource", "Service", "detect", "spec_text"]
