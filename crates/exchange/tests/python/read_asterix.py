"""Reads blocks of ASTERIX with a reader that others wrote, and compares every field with what was encoded.

    read_asterix.py libasterix|asterix_decoder|tshark BLOCKS

BLOCKS holds a line of JSON for each block: its category, its octets, and for each record the fields of each item in
order, each as bits and as value (null where the bits are the value). libasterix and asterix_decoder are packages of
Python (both named `asterix`, so that each needs an environment of its own), tshark is a program.
"""

import json
import math
import re
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

# The editions that were encoded.
EDITIONS = {15: (1, 2), 16: (1, 0), 34: (1, 29), 48: (1, 32), 62: (1, 21), 63: (1, 7), 247: (1, 3)}


def with_libasterix():
    from asterix import base, generated

    specs = {n: next(of for of in generated.manifest["CATS"][n] if of.cv_edition == edition)
             for n, edition in EDITIONS.items()}

    def leaves(x):
        if isinstance(x, (base.NonSpare, base.Item, base.RuleVariation)):
            yield from leaves(x.arg)
        elif isinstance(x, base.Element):
            bits = x.as_uint()
            rule = x.cv_rule
            content = getattr(rule, "cv_content", None)
            content = content(x.bs) if content else None
            if isinstance(content, base.ContentQuantity):
                yield bits, content._as_quantity()
            elif isinstance(content, base.ContentString):
                yield bits, content.as_string().rstrip(" ")
            else:
                yield bits, None
        elif isinstance(x, (base.Group, base.Repetitive)):
            for part in x.arg:
                yield from leaves(part)
        elif isinstance(x, base.Extended):
            for part in [part for extent in x.arg for part in extent if part is not None]:
                yield from leaves(part)
        elif isinstance(x, base.Compound):
            for part in [of for of in x.cv_items_list if of is not None and of.cv_name in x.arg]:
                yield from leaves(x.arg[part.cv_name])
        elif isinstance(x, base.Explicit):
            yield None, x.get_bytes().hex().upper()

    def read(block):
        octets = bytes.fromhex(block["octets"])
        (raw,) = base.RawDatablock.parse(base.Bits.from_bytes(octets))
        records = specs[block["category"]].cv_uap.parse(raw.get_raw_records())
        if isinstance(records, ValueError):
            raise records
        for record in records:
            yield {name: list(leaves(item)) for name, item in record.items_regular.items()}

    def equal(bits, value, read):
        if bits is not None and read[0] != bits:
            return False
        if bits is not None and read[1] is None:
            # A plain number; ours may be shown in hexadecimal.
            return value is None or int(value, 16) == bits
        return value == read[1] or close(value, read[1])

    return (list(read(block)) for block in blocks()), equal


def with_asterix_decoder():
    import asterix

    def leaves(x, name=""):
        if isinstance(x, list):
            for part in x:
                yield from leaves(part)
        elif isinstance(x, dict) and "val" in x:
            if "const" not in x and name != "FX" and not name.lower().startswith("spare"):
                yield x["val"]
        elif isinstance(x, dict):
            for key, part in x.items():
                yield from leaves(part, key)

    def read(block):
        records = asterix.parse(bytes.fromhex(block["octets"]))
        return [{name[1:] if name[0] == "I" else name: list(leaves(item)) for name, item in record.items()
                 if name not in ("category", "len", "crc", "ts", "hexdata")} for record in records]

    return (read(block) for block in blocks()), loosely_equal


def with_tshark():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for block in blocks():
            octets = bytes.fromhex(block["octets"])
            udp = struct.pack("!HHHH", 40000, 8600, 8 + len(octets), 0) + octets
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 1, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
            capture.write(struct.pack("<IIII", 0, 0, len(ip + udp), len(ip + udp)) + ip + udp)
        capture.flush()
        run = subprocess.run(
            ["tshark", "-r", capture.name, "-d", "udp.port==8600,asterix", "-T", "pdml"],
            check=True, capture_output=True, text=True)
    name = re.compile(r"asterix\.(\d{3})(?:_V\d+_\d+)?_(\d{3}|RE|SP)(?:_(.*))?$")

    def is_named(field):
        return name.match(field.get("name") or "")

    def leaves(field):
        inner = [part for part in field if any(map(is_named, part.iter("field")))]
        if inner:
            for part in inner:
                yield from leaves(part)
        else:
            yield field.get("show")

    def read(packet):
        records = []
        for proto in packet.iter("proto"):
            if proto.get("name") != "asterix":
                continue
            for message in proto.iter("field"):
                items = [part for part in message if is_named(part)]
                if items and message.get("name") == "asterix.message":
                    records.append({name.match(of.get("name")).group(2): list(leaves(of)) for of in items})
        return records

    return (read(packet) for packet in ElementTree.fromstring(run.stdout)), loosely_equal


def close(a, b):
    return isinstance(a, (int, float)) and isinstance(b, (int, float)) and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def loosely_equal(bits, value, read):
    """Whether a value as it is shown is the bits or the value: readers show one or the other."""
    text = str(read).strip()
    if isinstance(value, str) and text.upper() == value.strip().upper():
        return True
    try:
        shown = float(text) if not text.startswith("0x") else float(int(text, 16))
    except ValueError:
        return False
    if isinstance(value, (int, float)):
        # Flight levels are shown in feet, and nautical miles a second in knots.
        return any(close(shown, value * unit) for unit in (1, 100, 3600))
    return bits is not None and close(shown, bits)


def blocks():
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main():
    read, equal = {"libasterix": with_libasterix, "asterix_decoder": with_asterix_decoder,
                             "tshark": with_tshark}[sys.argv[1]]()
    fields, wrong = 0, {}
    for block, records in zip(blocks(), read, strict=True):
        category = block["category"]
        if len(records) != len(block["records"]):
            wrong.setdefault((category, "records"), []).append((len(block["records"]), len(records)))
            continue
        for expected, found in zip(block["records"], records):
            for item, leaves in expected.items():
                shown = found.get(item, [])
                fields += len(leaves)
                if len(shown) != len(leaves) or not all(equal(*leaf, of) for leaf, of in zip(leaves, shown)):
                    wrong.setdefault((category, item), []).append((leaves, shown, block["octets"]))
    for (category, item), cases in sorted(wrong.items()):
        print(f"I{category:03}/{item}: {len(cases)} times, first: {cases[0]}"[:1500])
    print(f"{fields} fields compared, {sum(map(len, wrong.values()))} items differ")
    return 1 if wrong or fields == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
