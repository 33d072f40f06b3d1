from xml.etree import ElementTree

from bench.report.theme import COLOURS, MARKERS, PAGE, SERIES, colour, css_variables, draw


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(two)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_series_stands_out_from_both_pages() -> None:
    for series in SERIES:
        assert contrast(series.light, PAGE.light) >= 3, series.name
        assert contrast(series.dark, PAGE.dark) >= 3, series.name


def test_each_colour_has_one_name_and_one_light_value() -> None:
    assert len({one.name for one in COLOURS}) == len({one.light for one in COLOURS}) == len(COLOURS)


def test_colours_and_markers_do_not_come_back_together_soon() -> None:
    pairs = {(colour(i), MARKERS[i % len(MARKERS)]) for i in range(42)}
    assert len(pairs) == 42


def test_a_drawing_takes_all_its_colours_from_the_page() -> None:
    svg = draw("Anything", lambda axes: axes.set_xlabel("x"))
    assert "#" not in svg.replace('href="#', "").replace("url(#", "")
    for variable in ("--ink", "--muted", "--line"):
        assert f"{variable}:" in css_variables(dark=False)
        assert f"{variable}:" in css_variables(dark=True)


def test_a_drawing_is_named_well_formed_and_free_of_addresses() -> None:
    svg = draw("Anything", lambda axes: axes.set_xlabel("<b> & $x$"))
    root = ElementTree.fromstring(svg)
    assert (root.tag, root.get("role"), root.get("aria-label")) == ("svg", "img", "Anything")
    assert root.get("width") is None
    assert "http" not in svg
    assert "<b> & $x$" in "".join(root.itertext())


def test_two_drawings_on_a_page_share_no_id() -> None:
    ids = [
        {node.get("id") for node in ElementTree.fromstring(draw(name, lambda axes: None)).iter()}
        for name in ("One", "Two")
    ]
    assert (ids[0] & ids[1]) <= {None}


def test_the_same_drawing_is_the_same_text() -> None:
    assert draw("One", lambda axes: None) == draw("One", lambda axes: None)
