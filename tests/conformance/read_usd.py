"""Usage: python read_usd.py FILE.usda FRAMES

Runs every validator of OpenUSD and prints their findings, the blend shape weights at every frame and, for some frames,
the box around all points after UsdSkel has baked the skinning and blend shapes.
"""

import json
import sys

from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation

path, frames = sys.argv[1], int(sys.argv[2])


def findings(stage):
    registry = UsdValidation.ValidationRegistry()
    validators = registry.GetOrLoadAllValidators()
    context = UsdValidation.ValidationContext(validators)
    errors = [error.GetErrorAsString() for error in context.Validate(stage)]
    return errors, len(validators)


def weights_of(stage):
    weights = {}
    cache = UsdSkel.Cache()
    for prim in stage.Traverse():
        if not prim.IsA(UsdSkel.Animation):
            continue
        query = cache.GetAnimQuery(UsdSkel.Animation(prim))
        names = list(query.GetBlendShapeOrder())
        for frame in range(frames):
            for name, value in zip(names, query.ComputeBlendShapeWeights(frame)):
                weights.setdefault(name, []).append(value)
    return weights


def boxes(stage, chosen):
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Root):
            UsdSkel.BakeSkinning(UsdSkel.Root(prim), Gf.Interval(0, frames - 1))
    found = {}
    for frame in chosen:
        low, high = [float("inf")] * 3, [float("-inf")] * 3
        for prim in stage.Traverse():
            if not prim.IsA(UsdGeom.Mesh):
                continue
            world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(frame)
            for point in UsdGeom.Mesh(prim).GetPointsAttr().Get(frame):
                placed = world.Transform(Gf.Vec3d(point))
                low = [min(a, b) for a, b in zip(low, placed)]
                high = [max(a, b) for a, b in zip(high, placed)]
        found[frame] = [low, high]
    return found


stage = Usd.Stage.Open(path)
errors, validators = findings(stage)
result = {"errors": errors, "validators": validators, "fps": stage.GetTimeCodesPerSecond(), "weights": weights_of(stage)}
result["boxes"] = boxes(stage, sorted({0, frames // 3, frames // 2, frames - 1}))
print("RESULT " + json.dumps(result))
