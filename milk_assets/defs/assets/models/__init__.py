"""Models: trained, evaluated, judged, served."""
