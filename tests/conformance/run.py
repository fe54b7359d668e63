"""Reads exported files with the clients that people use and compares every weight.

Usage: python run.py FOLDER

Each case is a name with the expected motion and any of the exports of it:
    NAME.npy + NAME.npy.json      expected weights [frames, channels]; channels and frame_rate [numerator, denominator]
    NAME.glb                      Khronos glTF Validator, three.js, Blender
    NAME.csv                      the csv module of Python, OpenFaceFX
    NAME.usda                     usd-core: validators, weights, baked points beside Blender's
    NAME.a2f.json                 the json module of Python

Prints a line for each check (PASSED, FAILED or SKIPPED with a reason) and a closing line; exits with 1 after a failure.
The folder of Node packages is ESARM_TOOLS/node, or the folder of this script.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-4
# Channels that turn the head and the eyes: nodes do, not shapes.
ROTATIONS = ("yaw", "pitch", "roll")


class Skip(Exception):
    """A check that cannot run here, with the reason."""


class Expected:
    """The motion that went into the exports."""

    def __init__(self, folder, name):
        self.path = folder / f"{name}.npy"
        self.weights = np.load(self.path)
        companion = json.loads((folder / f"{name}.npy.json").read_text())
        self.channels = companion["channels"]
        self.rate = companion["frame_rate"]
        assert self.weights.shape[1] == len(self.channels), "the companion file names other channels"

    @property
    def fps(self):
        return self.rate[0] / self.rate[1]

    def column(self, name):
        """Expected weights of a shape by its name in any case; zeros when the motion has no such channel."""
        wanted = name.lower()
        for index, channel in enumerate(self.channels):
            if channel.lower() == wanted:
                return self.weights[:, index]
        return np.zeros(len(self.weights), dtype=np.float32)

    def compare(self, name, values):
        """Raises when the values of a shape are not the expected ones."""
        values = np.asarray(values, dtype=np.float64)
        expected = self.column(name)
        if values.shape != expected.shape:
            raise AssertionError(f"{name} has {values.shape} values for {expected.shape} frames")
        worst = float(np.max(np.abs(values - expected)))
        if not worst <= TOLERANCE:
            raise AssertionError(f"{name} is off by {worst:.2e} at frame {int(np.argmax(np.abs(values - expected)))}")

    def moving(self, above):
        """Names in lower case of the channels whose weights anywhere lie further than that from zero."""
        return {name.lower() for index, name in enumerate(self.channels) if np.any(np.abs(self.weights[:, index]) > above)}

    def require(self, names, rotations=False, above=0.0):
        """Raises when a moving channel did not come back; turns of head and eyes only where the format has them."""
        missing = self.moving(above) - {name.lower() for name in names}
        if not rotations:
            missing = {name for name in missing if not name.endswith(ROTATIONS)}
        if missing:
            raise AssertionError(f"{len(missing)} moving channels did not come back: {sorted(missing)[:5]}")

    def require_meshes(self, meshes):
        """Raises unless meshes came back that move, and every moving channel on one of them."""
        if not meshes:
            raise AssertionError("no mesh with animated shapes came back")
        self.require({name for mesh in meshes for name in mesh["weights"]})


def need(module):
    if importlib.util.find_spec(module) is None:
        raise Skip(f"the Python package {module} is not installed for Python {sys.version_info[0]}.{sys.version_info[1]}")


def run_node(script, *arguments):
    if shutil.which("node") is None:
        raise Skip("node is not installed")
    tools = Path(os.environ.get("ESARM_TOOLS", "")) / "node"
    packages = next((base for base in (tools, HERE) if (base / "node_modules").is_dir()), None)
    if packages is None:
        raise Skip("the Node packages are not installed; run npm install beside package.json")
    # Node looks for packages from the script's folder upwards, so the script is told where they are.
    command = ["node", str(HERE / script), str(packages / "node_modules"), *map(str, arguments)]
    return json_of(subprocess.run(command, capture_output=True, text=True, timeout=600))


def run_python(script, *arguments):
    """Runs a client in a process of its own: Blender and USD bring libraries that do not live together."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return json_of(subprocess.run(command, capture_output=True, text=True, timeout=600))


def json_of(result):
    lines = [line for line in result.stdout.splitlines() if line.startswith("RESULT ")]
    if result.returncode != 0 or not lines:
        raise AssertionError(f"the client failed ({result.returncode}): {(result.stderr or result.stdout)[-600:]}")
    return json.loads(lines[-1][len("RESULT "):])


def check_validator(path, expected):
    report = run_node("validate_glb.mjs", path)
    if report["errors"]:
        raise AssertionError(f"{report['errors']} errors: {report['messages'][:3]}")
    return f"0 errors, {report['warnings']} warnings"


def check_three(path, expected):
    result = run_node("read_three.mjs", path, len(expected.weights), *expected.rate)
    for mesh in result["meshes"]:
        for name, values in mesh["weights"].items():
            expected.compare(name, values)
    expected.require_meshes(result["meshes"])
    return f"{len(result['meshes'])} meshes, {len(expected.weights)} frames"


def check_blender(path, expected):
    need("bpy")
    result = run_python("read_blender.py", path, len(expected.weights), *expected.rate)
    for mesh in result["meshes"]:
        for name, values in mesh["weights"].items():
            expected.compare(name, values)
    expected.require_meshes(result["meshes"])
    return f"{len(result['meshes'])} meshes, {len(expected.weights)} frames"


def check_usd(path, expected):
    need("pxr")
    result = run_python("read_usd.py", path, len(expected.weights))
    if result["errors"]:
        raise AssertionError(f"{len(result['errors'])} findings: {result['errors'][:3]}")
    if abs(result["fps"] - expected.fps) > 1e-6:
        raise AssertionError(f"{result['fps']} time codes per second for {expected.fps}")
    for name, values in result["weights"].items():
        expected.compare(name, values)
    expected.require(result["weights"])
    return f"{result['validators']} validators without a finding, {len(result['weights'])} shapes"


def check_usd_beside_blender(path, expected):
    """The box around all points, frame by frame, from two programs that read two formats."""
    need("pxr")
    need("bpy")
    if not path.with_suffix(".glb").exists():
        raise Skip("there is no GLB of the same name")
    usd = run_python("read_usd.py", path, len(expected.weights))["boxes"]
    blender = run_python("read_blender.py", path.with_suffix(".glb"), len(expected.weights), *expected.rate)["boxes"]
    worst = max(float(np.max(np.abs(np.subtract(usd[frame], blender[frame])))) for frame in usd)
    if not worst <= TOLERANCE:
        raise AssertionError(f"the moved points differ by {worst:.2e} m")
    return f"{len(usd)} frames, at most {worst:.1e} m apart"


def check_csv(path, expected):
    import csv

    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:2] == ["Timecode", "BlendShapeCount"] and len(rows[0]) == 63, rows[0][:3]
    assert all(row[1] == "61" and len(row) == 63 for row in rows[1:]), "a line has another length"
    for index, name in enumerate(rows[0][2:], 2):
        expected.compare(name, [float(row[index]) for row in rows[1:]])
    expected.require(rows[0][2:], rotations=True)
    for frame, row in enumerate(rows[1:]):
        hours, minutes, seconds, sixtieths = row[0].split(":")
        time = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(sixtieths) / 60
        assert abs(time - frame / expected.fps) < 1e-5, f"frame {frame} is at {row[0]}"
    return f"{len(rows) - 1} lines"


def check_csv_openfacefx(path, expected):
    need("openfacefx")
    from openfacefx.importers_csv import read_csv

    # It counts frames in its own rate; the last part of a timecode counts sixtieths. It rounds to four decimals and
    # clamps to 0..1, so rotations and weights above 1 are left to the other reader.
    track, _ = read_csv(str(path), fps=60.0, epsilon=1e-7)
    times = np.arange(len(expected.weights)) / expected.fps
    shapes = 0
    for channel in track.channels:
        if channel.name[:4] == "Head" or "EyeYaw" in channel.name or "EyePitch" in channel.name or "EyeRoll" in channel.name:
            continue
        values = np.interp(times, [key.time for key in channel.keys], [key.value for key in channel.keys])
        wanted = np.clip(expected.column(channel.name), 0.0, 1.0)
        worst = float(np.max(np.abs(values - wanted)))
        assert worst <= TOLERANCE, f"{channel.name} is off by {worst:.2e}"
        shapes += 1
    expected.require([channel.name for channel in track.channels], above=TOLERANCE)
    return f"{shapes} moving shapes"


def check_audio2face(path, expected):
    data = json.loads(path.read_text())
    weights = np.array(data["weightMat"])
    assert weights.shape == (data["numFrames"], data["numPoses"]) and len(data["facsNames"]) == data["numPoses"]
    assert abs(data["exportFps"] - expected.fps) < 1e-9
    for index, name in enumerate(data["facsNames"]):
        expected.compare(name, weights[:, index])
    expected.require(data["facsNames"])
    return f"{data['numPoses']} poses"


CHECKS = [
    (".glb", "glTF Validator", check_validator),
    (".glb", "three.js", check_three),
    (".glb", "Blender", check_blender),
    (".csv", "csv module", check_csv),
    (".csv", "OpenFaceFX", check_csv_openfacefx),
    (".usda", "usd-core", check_usd),
    (".usda", "usd-core beside Blender", check_usd_beside_blender),
    (".a2f.json", "json module", check_audio2face),
]


def main(folder):
    counts = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    names = sorted(path.name[: -len(".npy")] for path in folder.glob("*.npy"))
    if not names:
        print(f"FAILED {folder}: there are no cases (NAME.npy with NAME.npy.json)")
        return 1
    for name in names:
        expected = Expected(folder, name)
        for ending, client, check in CHECKS:
            path = folder / f"{name}{ending}"
            if not path.exists():
                continue
            try:
                outcome, reason = "PASSED", check(path, expected)
            except Skip as skip:
                outcome, reason = "SKIPPED", str(skip)
            except Exception as error:
                outcome, reason = "FAILED", f"{type(error).__name__}: {error}"
            counts[outcome] += 1
            print(f"{outcome} {path.name} by {client}: {reason}", flush=True)
    print(f"{counts['PASSED']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
