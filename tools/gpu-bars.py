#!/usr/bin/env python3
"""What NVIDIA's assembler makes of the kernels, held against bars.

    tools/gpu-bars.py [--agc PATH] [--ptxas PATH] [--only TEXT] [--arch sm_80]... [--keep]

For each kernel and architecture: registers and bytes of spills, as `ptxas` says
them; passes over shared memory because of bank conflicts and sectors of global
memory that its bytes would not need, counted on the software device (a small
launch); and how many warp instructions the loops have per product of the matrix
unit (m16n8k16, 2048 multiply-adds), counted in what `nvdisasm` shows. ptxas and
nvdisasm are the newest of those in the PATH, in /usr/local/cuda/bin and in the
Python packages nvidia-cuda-nvcc and nvidia-cuda-nvdisasm. Without nvdisasm that
column stays empty.

`must` is the bar, with a second for the masked loop. For sm_120, `ptxas` up to 13.0
puts a NOP between two products that follow each other, because the matrix unit
takes 16 cycles for one and an instruction can say no more than 15; later ones do not.
These NOPs stand in brackets, and bars do not count them: 4.41 (+0.40) is 4.81 in all.
With --keep it fails if a bar that was met no longer is, if there are more
instructions or sectors than are listed, or if there are spills or bank conflicts.
"""

import argparse
import glob
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURES = ["sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"]


@dataclass
class Case:
    """A kernel, the options of `agc compile`, and per loop its bars."""

    name: str
    file: str
    options: list
    must: dict  # architecture -> instructions per product of the first loop
    masked: dict = field(default_factory=dict)  # the same of the second
    kept: float = 0.0  # reached in the best loop, on every architecture
    met: tuple = ()  # architectures whose bar is met
    own: dict = field(default_factory=dict)  # architecture -> options of its own
    run: str = ""  # the arguments of `agc profile`
    sectors: int = 0  # in excess, as its tensors' strides leave gaps in each


def kernel(name, file, *sets, must=None, absent="", dtype="T=f16", **more):
    options = ["--dtype", dtype] if dtype else []
    options += [x for const in sets for x in ("--set", const)]
    options += [x for tensor in absent.split() for x in ("--absent", tensor)]
    return Case(name, file, options, must or {}, **more)


def attention(name, file, dim, *sets, run=None, also="", **more):
    rows = f"randn:1x2x256x{dim}"
    run = run or f"q={rows} k={rows} v={rows} {also}"
    return kernel(name, file, f"D={dim}", f"DV={dim}", *sets, run=run, **more)


FLASH, LANDMARK = "flash/flash_fwd.ag", "landmark/landmark_fwd.ag"
FLASH_ATTN = "flash/flash_attn_fwd.ag"
OPTIONS = "bias mask key_padding slopes lse"
FLASH_64 = {"sm_80": 4.8, "sm_90a": 3.4, "sm_120": 4.5}
FLASH_128 = {"sm_80": 4.3, "sm_90a": 2.0, "sm_120": 3.25}
LANDMARK_64 = {"sm_80": 6.0, "sm_90a": 6.0, "sm_120": 6.0}
LANDMARK_128 = {"sm_80": 5.0, "sm_90a": 3.7, "sm_120": 5.0}
MATMUL = {"sm_80": 2.0, "sm_90a": 0.6, "sm_120": 1.6}
MASKED_64 = {"sm_80": 5.9, "sm_90a": 4.6, "sm_120": 5.7}

# There products take no registers for their factors.
WIDE = {"sm_90a": ["--set", "BN=128"]}
# sm_120 has room for one buffer of each of these tiles, which take turns.
WIDE_128 = WIDE | {"sm_120": ["--set", "BN=128", "--set", "stages=1"]}
# Twice the warps share the addresses at which a tile is copied.
TALL = {arch: ["--set", "BM=128", "--set", "warps=8"] for arch in ARCHITECTURES if arch not in ("sm_90a", "sm_120")}

MUSTS = ("sm_80", "sm_90a", "sm_120")

BIAS = "bias=randn:1x2x256x256 mask=ones:1x2x256x256"
RAGGED = "q=randn:256x2x64 k=randn:256x2x64 v=randn:256x2x64 cu_q=iota:2 cu_k=iota:2 max_q=256"
DECODE = "q=randn:1x2x4x1x64 k=randn:1x2x256x64 cache_len=ones:1 o=zeros:2x1x2x4x1x64"

# `kept` is of the worst architecture.
CASES = [
    attention("flash D=64", FLASH, 64, "BN=128", must=FLASH_64, kept=4.75, met=MUSTS),
    attention("flash D=64 bf16", FLASH, 64, "BN=128", must=FLASH_64, dtype="T=bf16", kept=4.75, met=MUSTS),
    attention("flash D=128", FLASH, 128, must=FLASH_128, kept=3.95, met=MUSTS, own=WIDE_128),
    attention("flash causal D=64", FLASH, 64, "BN=128", "causal=true", must=FLASH_64, masked=MASKED_64, kept=4.55, met=MUSTS, own=TALL),
    attention("flash causal D=128", FLASH, 128, "causal=true", must=FLASH_128, kept=3.95, met=MUSTS, own=WIDE_128),
    attention("landmark D=64", LANDMARK, 64, must=LANDMARK_64, kept=5.85, met=MUSTS, own=TALL),
    attention("landmark D=128", LANDMARK, 128, must=LANDMARK_128, kept=4.4, met=MUSTS),
    kernel("matmul", "matmul/matmul.ag", "BN=128", must=MATMUL, kept=2.0, met=MUSTS, run="a=randn:256x256 b=randn:256x256"),
    attention("flash, options D=64", FLASH_ATTN, 64, "BN=128", must=FLASH_64, absent=OPTIONS, kept=4.75, met=MUSTS),
    attention("flash, window D=64", FLASH_ATTN, 64, "windowed=true", absent=OPTIONS, kept=5.35, also="left=100 right=0"),
    attention("window, BN=128 D=64", FLASH_ATTN, 64, "BN=128", "windowed=true", absent=OPTIONS, kept=4.75, also="left=100 right=0"),
    attention("flash, bias D=64", FLASH_ATTN, 64, absent="mask key_padding slopes", kept=7.8, also=BIAS),
    attention("flash, all D=64", FLASH_ATTN, 64, kept=19.8, also=BIAS + " key_padding=ones:1x256 slopes=ones:1x2"),
    attention("flash, ragged D=64", "flash/flash_ragged_fwd.ag", 64, kept=8.5, run=RAGGED),
    attention("decode D=64", "flash/decode_split.ag", 64, "R=4", "M=1", kept=13.2, run=DECODE),
    kernel("merge", "flash/merge.ag", "DV=64", run="parts=randn:2x1x2x256x64:f32 lse_parts=randn:2x1x2x256:f32"),
    attention("landmark, any D=64", "landmark/landmark_any_fwd.ag", 64, kept=7.2, also="is_mem=zeros:1x256 starts=iota:1x2 sections=1"),
    attention("hash-sparse D=64", "dynamic_sparse/hash_sparse_fwd.ag", 64, kept=9.4, also="q_pos=zeros:1x2x256 k_pos=zeros:1x2x256 q_bucket=zeros:1x2x256 k_bucket=zeros:1x2x256"),
    attention("qk-sparse D=64", "dynamic_sparse/qk_sparse_fwd.ag", 64, kept=7.4, also="q_pos=zeros:1x2x256 k_pos=zeros:1x2x256"),
    attention("dilated D=64", "dilated/dilated_fwd.ag", 64, kept=7.2, also="segment=128 rate=2", sectors=32),
    attention("blockwise D=64", "blockwise/attn_fwd.ag", 64, kept=15.9, also=BIAS),
    kernel("linear", "blockwise/linear_fwd.ag", kept=2.6, run="x=randn:256x256 weight=randn:256x256"),
    kernel("cross-entropy", "blockwise/cross_entropy_fwd.ag", run="logits=randn:256x512 tokens=zeros:256"),
    kernel("head cross-entropy", "blockwise/head_cross_entropy_fwd.ag", kept=3.1, run="x=randn:256x256 weight=randn:256x256 tokens=zeros:256"),
    kernel("coordinate descent", "colt5/coordinate_descent.ag", run="s=randn:16x512 count=ones:16 iters=4"),
    kernel("gather rows", "dynamic_sparse/gather_rows.ag", "D=64", run="x=randn:1x256x2x64 index=zeros:1x256x2", sectors=128),
    kernel("radix pass", "dynamic_sparse/radix_pass.ag", dtype="", run="keys=zeros:1x256x2 shift=0", sectors=512),
    kernel("layer norm", "norm/layer_norm.ag", run="x=randn:256x256"),
    kernel("RMS norm", "norm/rms_norm.ag", run="x=randn:256x256"),
    kernel("rotary", "rotary/rotary.ag", "D=64", run="x=randn:1x2x256x64 table=randn:256x64:f32"),
]


def version_of(tool):
    """The release of a program of CUDA, as numbers: (13, 2)."""
    text = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    release = re.search(r"release (\d+)\.(\d+)", text)
    return tuple(int(number) for number in release.groups()) if release else (0, 0)


def find_tool(name):
    """The newest of a program in the PATH, the CUDA toolkit and NVIDIA's Python packages."""
    found = [shutil.which(name), shutil.which(name, path="/usr/local/cuda/bin")]
    spec = importlib.util.find_spec("nvidia")
    for place in spec.submodule_search_locations if spec else []:
        found += glob.glob(os.path.join(place, "**", "bin", name), recursive=True)
    usable = [path for path in found if path and os.access(path, os.X_OK)]
    return max(usable, key=version_of, default=None)


def loops_of(text):
    """The innermost loops with products: (instructions, NOPs, products) of each."""
    instructions, labels, found = [], {}, []
    for line in text.splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            labels[label[1]] = len(instructions)
        elif one := re.match(r"\s*/\*[0-9a-f]+\*/\s+(.*?);", line):
            instructions.append(one[1].strip())
    spans = []
    for end, text in enumerate(instructions):
        target = re.search(r"BRA\b.*?`\((\.L_x_\d+)\)", text)
        begin = labels.get(target[1], end + 1) if target else end + 1
        if begin <= end:
            spans.append((begin, end))
    for begin, end in spans:
        if any(b >= begin and e <= end and (b, e) != (begin, end) for b, e in spans):
            continue
        products = 0.0
        for text in instructions[begin : end + 1]:
            if shape := re.search(r"HMMA\.(16816|1688)\.", text):
                products += 1 if shape[1] == "16816" else 0.5
            elif shape := re.search(r"HGMMA\.64x(\d+)x16\.", text):
                products += int(shape[1]) / 8  # a warp's part
        if products:
            waits = sum(text == "NOP" for text in instructions[begin : end + 1])
            found.append((end + 1 - begin, waits, products))
    return found


def measure(case, arch, tools, folder):
    """(registers, spilled bytes, (other instructions, NOPs) per product of each loop)."""
    ptx, cubin = os.path.join(folder, "k.ptx"), os.path.join(folder, "k.cubin")
    subprocess.run(
        [tools["agc"], "compile", str(ROOT / "kernels_dsl" / case.file)]
        + case.options
        + case.own.get(arch, [])
        + ["--target", arch, "--emit=ptx", "-o", ptx],
        check=True,
    )
    made = subprocess.run(
        [tools["ptxas"], "-v", f"-arch={arch}", ptx, "-o", cubin],
        check=True, capture_output=True, text=True,
    )
    registers = int(re.search(r"Used (\d+) registers", made.stderr)[1])
    spills = int(re.search(r"(\d+) bytes spill stores", made.stderr)[1])
    loops = []
    if tools["nvdisasm"]:
        shown = subprocess.run(
            [tools["nvdisasm"], "-c", cubin], check=True, capture_output=True, text=True
        )
        loops = [((count - waits) / n, waits / n) for count, waits, n in loops_of(shown.stdout)]
    return registers, spills, loops


def surplus(case, arch, tools):
    """(passes over shared memory, sectors of global memory) that a launch need not have."""
    consts = [x for a, b in zip(case.options, case.options[1:]) if a in ("--dtype", "--set") for x in (a, b)]
    made = subprocess.run(
        [tools["agc"], "profile", str(ROOT / "kernels_dsl" / case.file), "--json"]
        + consts
        + case.own.get(arch, [])
        + [x for argument in case.run.split() for x in ("--arg", argument)],
        check=True, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"AG_SIM_ARCH": arch, "AG_CACHE_DIR": "off"},
    )
    counts = json.loads(made.stdout)
    return tuple(counts[what] - counts["least_" + what] for what in ("wavefronts", "sectors"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agc", default=str(ROOT / "build/dev/bin/agc"), help="the compiler")
    parser.add_argument("--ptxas", help="the assembler")
    parser.add_argument("--only", default="", help="kernels whose name has this text")
    parser.add_argument("--arch", action="append", help="one architecture (may be repeated)")
    parser.add_argument("--keep", action="store_true", help="fail where less is reached than before")
    options = parser.parse_args()
    tools = {
        "agc": options.agc,
        "ptxas": options.ptxas or find_tool("ptxas"),
        "nvdisasm": find_tool("nvdisasm"),
    }
    if options.ptxas and not os.access(options.ptxas, os.X_OK):
        sys.exit(f"gpu-bars: --ptxas {options.ptxas}: expected a program, there is none")
    if not tools["ptxas"]:
        sys.exit("gpu-bars: there is no `ptxas`: install CUDA, or pip install nvidia-cuda-nvcc")
    print("ptxas " + ".".join(str(number) for number in version_of(tools["ptxas"])))
    if not tools["nvdisasm"]:
        print("no nvdisasm: instructions are not counted (pip install nvidia-cuda-nvdisasm)")
    print("kernel               arch     registers  spills  surplus  per product, loop by loop        must")
    worse = []
    jobs = [(c, a) for c in CASES if options.only in c.name for a in options.arch or ARCHITECTURES]

    def examine(job):
        with tempfile.TemporaryDirectory() as folder:
            return measure(*job, tools, folder), surplus(*job, tools)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (case, arch), result in zip(jobs, pool.map(examine, jobs)):
            (registers, spills, loops), (passes, sectors) = result
            text = "  ".join(
                f"{count:.2f} (+{waits:.2f})" if waits > 0.05 else f"{count:.2f}"
                for count, waits in loops
            )
            bars = [case.must.get(arch), case.masked.get(arch)]
            musts = "  ".join(str(bar) for bar in bars if bar)
            print(
                f"{case.name:20} {arch:8} {registers:9}  {spills:6}  {passes:2}{sectors:5}  {text:31}  {musts}",
                flush=True,
            )
            if spills:
                worse.append(f"{case.name} {arch}: {spills} bytes are spilled, none should be")
            if passes:
                worse.append(f"{case.name} {arch}: {passes} bank conflicts, there should be none")
            if sectors > case.sectors:
                worse.append(f"{case.name} {arch}: {sectors} sectors in excess, {case.sectors} were")
            if case.kept and tools["nvdisasm"] and not loops:
                worse.append(f"{case.name} {arch}: no loop with products was found")
            for (count, _), bar in zip(loops, bars):
                if arch in case.met and bar and count > bar:
                    worse.append(f"{case.name} {arch}: {count:.2f} per product, the bar of {bar} was met")
            best = min((count for count, _ in loops), default=0)
            if case.kept and best > case.kept:
                worse.append(f"{case.name} {arch}: {best:.2f} per product, {case.kept} was kept")
    for line in worse:
        print(line)
    sys.exit(1 if options.keep and worse else 0)


if __name__ == "__main__":
    main()
