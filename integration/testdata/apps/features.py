"""A function as it stands in a notebook, with no word of pyudf."""


def celsius(temp_f: float) -> float:
    if temp_f > 200:
        print("boiling")
    if temp_f < -1000:
        raise ValueError("colder than cold")
    return (temp_f - 32) / 1.8
