"""Writes loudness.json: integrated loudness by ffmpeg's ebur128 filter.

    python loudness.py    (needs ffmpeg)

The tests of src/loudness.rs build the same signals.
"""
import json
import math
import pathlib
import re
import struct
import subprocess
import tempfile
import wave


def signal(case, rate, count):
    state, out = 1, []
    for n in range(count):
        secs = n / rate
        state = (state * 1664525 + 1013904223) % 2**32
        hiss = state / 2**32 - 0.5
        if case == "tone":
            value = 0.1 * math.sin(2 * math.pi * 997 * secs)
        elif case == "noise":
            value = 0.3 * hiss
        else:
            value = 0.4 * hiss if secs % 2.0 < 1.0 else 0.002 * hiss
        scaled = value * 32768
        out.append(int(math.copysign(math.floor(abs(scaled) + 0.5), scaled)))
    return out


def measure(case, rate, count):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(struct.pack(f"<{count}h", *signal(case, rate, count)))
        log = subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-i", file.name, "-af", "ebur128", "-f", "null", "-"],
                             capture_output=True, text=True, check=True).stderr
    lufs = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", log)[-1])
    return {"signal": case, "sample_rate_hz": rate, "sample_count": count, "lufs": lufs}


version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
cases = [measure(case, rate, 6 * rate) for case in ("tone", "noise", "bursts") for rate in (16000, 44100, 48000)]
result = {"made_by": f"ffmpeg {version}, filter ebur128", "cases": cases}
pathlib.Path(__file__).with_name("loudness.json").write_text(json.dumps(result, indent=1) + "\n")
