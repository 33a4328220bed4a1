#!/usr/bin/env bash
# The libvips command line's part of the benchmark: libvips.sh ACTION OUT PHOTO…, started in the photos' folder.
# Steps in between lie as uncompressed .v files, the form that libvips maps into memory.
set -euo pipefail

action=$1
out=$2
shift 2

for photo in "$@"; do
    name=${photo%.jpg}
    step=$out/$name
    case $action in
        layer) # the watermark for a photo of this size, once, before anything is measured: OUT is the mark's folder
            width=$(vipsheader -f width "$photo")
            height=$(vipsheader -f height "$photo")
            layer=$out/layer-${width}x$height.v
            [[ -e $layer ]] && continue
            vips replicate "$out/mark-faint.png" "$step.v" $((width / 100 + 1)) $((height / 100 + 1))
            vips crop "$step.v" "$layer" 0 0 "$width" "$height"
            rm "$step.v"
            ;;
        w1-full)
            # Given a picture instead of a file it cannot shrink while it loads.
            vips thumbnail_image "$photo" "$out/${photo}[Q=85,subsample_mode=on]" 2048 --height 2048 --export-profile srgb
            ;;
        w2)
            vips thumbnail "$photo" "$step.1.v" 3000 --height 2400 --crop centre --export-profile srgb
            vips sharpen "$step.1.v" "$out/${photo}[Q=95,subsample_mode=off]"
            rm "$step.1.v"
            ;;
        w3)
            base=$photo
            # Only those with a profile of their own need a step for colour.
            if [[ $name == *-icc ]]; then
                vips icc_transform "$photo" "$step.1.v" srgb --embedded
                base=$step.1.v
            fi
            layer=$LAYERS/layer-$(vipsheader -f width "$photo")x$(vipsheader -f height "$photo").v
            vips composite2 "$base" "$layer" "$out/${photo}[Q=95,subsample_mode=off]" over
            rm -f "$step.1.v"
            ;;
    esac
done
