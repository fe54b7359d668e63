#!/bin/sh
# Makes hello.wav: 16 kHz, mono, 16 bit. Needs flite 2.2 with its voice "slt" and sox (Debian: flite sox).
set -eu
cd "$(dirname "$0")"
text="Hello! I am so happy to meet you. Give me a voice, pick a mood, and my lips will move to match, \
maybe with a big, beaming smile."
raw="$(mktemp --suffix=.wav)"
trap 'rm -f "$raw"' EXIT
# More range of pitch and a brisker pace than the defaults of the voice sound friendlier.
flite -voice slt --setf int_f0_target_stddev=34 --setf duration_stretch=0.93 -t "$text" -o "$raw"
# A quarter second of silence on both sides; -D: no dither, so that the file comes out the same every time.
sox -D "$raw" -b 16 hello.wav pad 0.25 0.25 gain -n -3
