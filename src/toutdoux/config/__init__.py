"""Django's settings, and setting Django up."""
