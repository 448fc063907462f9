"""IntelMQ beside Tocsin: installed as its makers publish it, run as its users run it, measured from outside."""
