# lit reads this: which files are tests, and which programs their RUN lines
# may name.
import os
import shutil

import lit.formats

config.name = "attn_grid"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".ag", ".mlir", ".test"]
config.excludes = ["Inputs", "support"]
config.test_source_root = os.path.dirname(__file__)

# Our tools first, then FileCheck, not, count and split-file.
config.environment["PATH"] = os.pathsep.join(
    [config.ag_bin_dir, config.llvm_bin_dir, config.environment["PATH"]]
)
# A test must not find what an earlier run or another build left behind; those
# of the cache name a folder of their own.
config.environment["AG_CACHE_DIR"] = "off"
if "ASAN_OPTIONS" in os.environ:
    config.environment["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]

config.substitutions.append(("%kernels", os.path.join(config.ag_source_dir, "kernels_dsl")))
config.substitutions.append(("%mlir_include", os.path.join(config.llvm_bin_dir, "..", "include")))
config.substitutions.append(
    ("%npy", "python3 " + os.path.join(config.test_source_root, "support", "npy.py"))
)
for tool in ("agc", "ag-opt", "ag-bench"):
    if shutil.which(tool, path=config.ag_bin_dir):
        config.available_features.add(tool)
if shutil.which("ptxas") or os.path.exists("/usr/local/cuda/bin/ptxas"):
    config.available_features.add("ptxas")
