"""Speaks utterances with libespeak-ng and notes when each phone starts.

Reads a JSON list of {"voice", "words_per_minute", "pitch", "text"} from standard input and writes, for the n-th
utterance, `n.wav` (mono, 16 bit) and `n.phones` (lines of `<start seconds> <IPA>`; an empty IPA is silence) into the
folder given as the first argument. espeak-ng's own commands print phones without times unless MBROLA voices are
installed; its library reports both.
"""

import ctypes
import json
import sys
import wave

RETRIEVAL, PHONEME_EVENTS, PHONEME_IPA = 1, 1, 2
EVENT_END, EVENT_PHONEME = 0, 7
UTF8, END_PAUSE = 1, 0x1000
RATE, PITCH = 1, 3


class Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Identity),
    ]


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


def main():
    folder = sys.argv[1]
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate_hz = library.espeak_Initialize(RETRIEVAL, 200, None, PHONEME_EVENTS | PHONEME_IPA)
    if rate_hz <= 0:
        sys.exit("libespeak-ng could not be initialised")
    sound, phones = bytearray(), []

    def collect(samples, count, events):
        index = 0
        while events[index].type != EVENT_END:
            event = events[index]
            if event.type == EVENT_PHONEME:
                name = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "ignore")
                phones.append((event.audio_position / 1000.0, name))
            index += 1
        if samples and count > 0:
            sound.extend(ctypes.string_at(samples, 2 * count))
        return 0

    callback = Callback(collect)
    library.espeak_SetSynthCallback(callback)
    for number, utterance in enumerate(json.load(sys.stdin)):
        sound.clear()
        phones.clear()
        if library.espeak_SetVoiceByName(utterance["voice"].encode()) != 0:
            sys.exit("espeak-ng has no voice " + utterance["voice"])
        library.espeak_SetParameter(RATE, utterance["words_per_minute"], 0)
        library.espeak_SetParameter(PITCH, utterance["pitch"], 0)
        text = utterance["text"].encode()
        library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8 | END_PAUSE, None, None)
        library.espeak_Synchronize()
        with wave.open(f"{folder}/{number}.wav", "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(bytes(sound))
        with open(f"{folder}/{number}.phones", "w", encoding="utf-8") as file:
            file.writelines(f"{start:.3f} {name}\n" for start, name in phones)


main()
