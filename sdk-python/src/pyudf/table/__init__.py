"""How the data of a notebook and the results of its replay travel to the engine and back."""
