#!/usr/bin/env bash
# Makes the pictures of the documents from the program itself. Needs ImageMagick and a graphics driver, software or not.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for emotion in neutral happy sad angry fear disgust surprise contempt; do
    ${ESARM:-cargo run --quiet --release --} run assets/graphs/animate.esarm --input speech=assets/speech/hello.wav --seed 1 \
        --set "emotion.emotion=$emotion" --set render.moments=5 --set render.columns=1 \
        --set render.width=224 --set render.height=240 --output "png=$scratch/$emotion.png"
    convert "$scratch/$emotion.png" -background '#1e2024' -fill '#e8eaee' -gravity center -pointsize 20 \
        "label:$emotion" -append "$scratch/column-$emotion.png"
done
columns=()
for emotion in neutral happy sad angry fear disgust surprise contempt; do columns+=("$scratch/column-$emotion.png"); done
convert "${columns[@]}" +append -quality 90 docs/emotions.jpg
