"""Makes, shows and compares .npy files in lit tests, with the standard
library alone.

  npy.py make FILE DTYPE SHAPE VALUES   SHAPE as 2x3, VALUES as 1,2,3
                                        (repeated until the array is full)
  npy.py make-fortran FILE ...          the same, in Fortran order
  npy.py show FILE                      dtype, shape, then the values
"""
import ast
import struct
import sys

CODES = {
    "|b1": "?", "|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i",
    "<u4": "I", "<i8": "q", "<f2": "e", "<f4": "f", "<f8": "d",
}  # fmt: skip


def write(path, descr, shape, values, fortran=False):
    count = 1
    for extent in shape:
        count *= extent
    values = [values[i % len(values)] for i in range(count)]
    header = "{'descr': %r, 'fortran_order': %r, 'shape': %r, }" % (
        descr, fortran, tuple(shape),
    )  # fmt: skip
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode() + struct.pack(f"<{count}{CODES[descr]}", *values))


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10 : 10 + length].decode())
    code = CODES[header["descr"]]
    body = data[10 + length :]
    values = struct.unpack(f"<{len(body) // struct.calcsize(code)}{code}", body)
    return header["descr"], header["shape"], header["fortran_order"], values


def main(command, path, *rest):
    if command.startswith("make"):
        descr, shape, text = rest
        shape = [int(extent) for extent in shape.split("x") if extent]
        values = [
            float(word) if descr[1] == "f" else int(word) for word in text.split(",")
        ]
        write(path, descr, shape, values, command == "make-fortran")
        return
    descr, shape, _, values = read(path)
    print(descr, "x".join(map(str, shape)))
    print(" ".join(f"{value:g}" for value in values))


if __name__ == "__main__":
    main(*sys.argv[1:])
