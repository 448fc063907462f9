"""Tags with which rooms write their pages: `{% load parts charts %}`."""
