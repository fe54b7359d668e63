"""Usage: python read_blender.py FILE.glb FRAMES RATE_NUMERATOR RATE_DENOMINATOR

Imports the file into Blender and prints, for each mesh, the shape keys' values at every frame, and for some frames the
box around all evaluated points (Y up, metres).
"""

import json
import sys

import bpy

path, frames, numerator, denominator = sys.argv[1], *map(int, sys.argv[2:5])


def last_animation_name():
    """Name of the file's last animation: the one that the export added."""
    data = open(path, "rb").read()
    length = int.from_bytes(data[12:16], "little")
    return json.loads(data[20 : 20 + length])["animations"][-1]["name"]


def curves_of(action, slot):
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                yield from bag.fcurves


def play(data, wanted):
    """Makes the wanted animation the active one of an object or its shape keys; gives its curves."""
    if data is None or data.animation_data is None:
        return []
    animation = data.animation_data
    for track in list(animation.nla_tracks):
        for strip in track.strips:
            if strip.action and track.name == wanted:
                slot = strip.action_slot
                animation.action = strip.action
                animation.action_slot = slot
        track.mute = True
    if animation.action is None:
        return []
    return list(curves_of(animation.action, animation.action_slot))


def boxes(chosen):
    found = {}
    scene = bpy.context.scene
    for frame in chosen:
        scene.frame_set(int(scene_frame(frame)), subframe=scene_frame(frame) % 1.0)
        graph = bpy.context.evaluated_depsgraph_get()
        points = []
        for item in scene.objects:
            if item.type == "MESH":
                evaluated = item.evaluated_get(graph)
                points += [evaluated.matrix_world @ vertex.co for vertex in evaluated.to_mesh().vertices]
        # Blender's Z is up; glTF's Y is.
        turned = [(point.x, point.z, -point.y) for point in points]
        found[frame] = [[pick(point[axis] for point in turned) for axis in range(3)] for pick in (min, max)]
    return found


bpy.ops.wm.read_factory_settings(use_empty=True)
# The importer multiplies key times by the scene's whole rate and passes over its base, so keys of 29.97 fps lie at
# fractions of frames.
scene_fps = round(numerator / denominator)
bpy.context.scene.render.fps = scene_fps


def scene_frame(frame):
    return frame * denominator / numerator * scene_fps


bpy.ops.import_scene.gltf(filepath=path)
wanted = last_animation_name()
meshes = []
for item in bpy.data.objects:
    play(item, wanted)
    keys = item.data.shape_keys if item.type == "MESH" else None
    if keys is None:
        continue
    curves = {curve.data_path: curve for curve in play(keys, wanted)}
    weights = {}
    for block in keys.key_blocks[1:]:
        curve = curves.get(f'key_blocks["{block.name}"].value')
        weights[block.name] = [curve.evaluate(scene_frame(frame)) if curve else block.value for frame in range(frames)]
        # Sliders stop at 0 and 1 unless told otherwise; weights may lie beyond.
        block.slider_min, block.slider_max = -10.0, 10.0
    meshes.append({"name": item.name, "weights": weights})
chosen = sorted({0, frames // 3, frames // 2, frames - 1})
print("RESULT " + json.dumps({"meshes": meshes, "boxes": boxes(chosen)}))
