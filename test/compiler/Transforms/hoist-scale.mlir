// RUN: ag-opt %s -ag-hoist-scale -split-input-file | FileCheck %s

// One multiply per query element before the loop, in place of one per score in it.
// CHECK-LABEL: ag.kernel @hoist_scale_in_loop
// CHECK:     %[[C:.*]] = arith.mulf %arg2
// CHECK:     %[[TILE:.*]] = tensor.splat %[[C]]
// CHECK:     %[[SCALED:.*]] = arith.mulf %[[Q:.*]], %[[TILE]]
// CHECK:     scf.for
// CHECK:       %[[S:.*]] = ag.dot %[[SCALED]], %{{.*}}, %{{.*}}
// CHECK-NEXT:  arith.addf %{{.*}}, %[[S]]
ag.kernel @hoist_scale_in_loop(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %log2e = arith.constant 1.44269502 : f32
    %c = arith.mulf %scale, %log2e : f32
    %cs = tensor.splat %c : tensor<16x16xf32>
    %s = arith.mulf %qk, %cs : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// The loop leaves the right operand alone; the constant is on the left.
// CHECK-LABEL: ag.kernel @hoist_scale_of_right_operand
// CHECK:     %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<16x16xf32>
// CHECK:     scf.for
// CHECK:       ag.dot %{{.*}}, %[[SCALED]], %{{.*}}
// CHECK-NOT:   arith.mulf
ag.kernel @hoist_scale_of_right_operand(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %k, %q, %none : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %half = arith.constant dense<0.5> : tensor<16x16xf32>
    %s = arith.mulf %half, %qk : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// A product with a 16-bit query would be rounded again.
// CHECK-LABEL: ag.kernel @no_hoist_16_bit
// CHECK:     scf.for
// CHECK:       %[[S:.*]] = ag.dot
// CHECK:       arith.mulf %[[S]]
ag.kernel @no_hoist_16_bit(%p: memref<f16> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
    %log2e = arith.constant 1.44269502 : f32
    %c = arith.mulf %scale, %log2e : f32
    %cs = tensor.splat %c : tensor<16x16xf32>
    %s = arith.mulf %qk, %cs : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  %r = arith.truncf %end : tensor<16x16xf32> to tensor<16x16xf16>
  ag.store %r, %t[%zero : 16, %zero : 16] : tensor<16x16xf16>, memref<16x16xf16, strided<[16, 1]>>
  ag.return
}

// -----

// Something else uses the scores as they are.
// CHECK-LABEL: ag.kernel @no_hoist_scores_escape
// CHECK:     scf.for
// CHECK:       %[[S:.*]] = ag.dot
// CHECK:       arith.mulf %[[S]]
ag.kernel @no_hoist_scores_escape(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %log2e = arith.constant 1.44269502 : f32
    %c = arith.mulf %scale, %log2e : f32
    %cs = tensor.splat %c : tensor<16x16xf32>
    %s0 = arith.mulf %qk, %cs : tensor<16x16xf32>
    %s = arith.addf %s0, %qk : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// (q k + acc) * c scales the accumulator too.
// CHECK-LABEL: ag.kernel @no_hoist_accumulator
// CHECK:     scf.for
// CHECK:       %[[S:.*]] = ag.dot
// CHECK:       arith.mulf %[[S]]
ag.kernel @no_hoist_accumulator(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %q, %k, %acc : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %log2e = arith.constant 1.44269502 : f32
    %c = arith.mulf %scale, %log2e : f32
    %cs = tensor.splat %c : tensor<16x16xf32>
    %s = arith.mulf %qk, %cs : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// The scale depends on the iteration.
// CHECK-LABEL: ag.kernel @no_hoist_scale_varies
// CHECK:     scf.for
// CHECK:       %[[S:.*]] = ag.dot
// CHECK:       arith.mulf %[[S]]
ag.kernel @no_hoist_scale_varies(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %nf = arith.sitofp %n : i32 to f32
    %cs = tensor.splat %nf : tensor<16x16xf32>
    %s = arith.mulf %qk, %cs : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// Sixteen bits would be rounded again: only the sign goes to the query. What is
// left is positive, so the mask and the largest score come before it.
// CHECK-LABEL: ag.kernel @sign_of_scale
// CHECK-DAG:  %[[LEAST:.*]] = arith.constant 1.17549435E-38 : f32
// CHECK:      %[[SIGN:.*]] = math.copysign %{{.*}}, %arg2
// CHECK:      %[[ABS:.*]] = math.absf %arg2
// CHECK:      %[[SCALE:.*]] = arith.maxnumf %[[ABS]], %[[LEAST]]
// CHECK:      %[[FLIPPED:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<16x16xf16>
// CHECK:      scf.for
// CHECK:        %[[S:.*]] = ag.dot %[[FLIPPED]]
// CHECK:        %[[MASKED:.*]] = arith.select %{{.*}}, %[[S]]
// CHECK-DAG:    arith.mulf %[[MASKED]]
// CHECK-DAG:    ag.reduce max %[[MASKED]]
ag.kernel @sign_of_scale(%p: memref<f16> {ag.name = "p", ag.access = "in"}, %o: memref<f32> {ag.name = "o", ag.access = "out"}, %scale: f32, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16, strided<[16, 1]>>
  %u = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %low = arith.constant dense<0xFF800000> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
  %iota = ag.iota : tensor<16xi32>
  %cols = ag.broadcast %iota along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %limit = tensor.splat %N : tensor<16x16xi32>
  %keep = arith.cmpi slt, %cols, %limit : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
    %cs = tensor.splat %scale : tensor<16x16xf32>
    %s = arith.mulf %qk, %cs : tensor<16x16xf32>
    %x = arith.select %keep, %s, %low : tensor<16x16xi1>, tensor<16x16xf32>
    %top = ag.reduce max %x axes [1] : tensor<16x16xf32> -> tensor<16xf32>
    %tops = ag.broadcast %top along [0] : tensor<16xf32> -> tensor<16x16xf32>
    %less = arith.subf %x, %tops : tensor<16x16xf32>
    %sum = arith.addf %acc, %less : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %u[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// Two scales, one after the other, are one.
// CHECK-LABEL: ag.kernel @two_scales
// CHECK:     %[[C:.*]] = arith.mulf %arg2, %{{.*}} : f32
// CHECK:     %[[TILE:.*]] = tensor.splat %[[C]]
// CHECK:     %[[SCALED:.*]] = arith.mulf %{{.*}}, %[[TILE]]
// CHECK:     scf.for
// CHECK:       ag.dot %[[SCALED]]
// CHECK-NOT:   arith.mulf
ag.kernel @two_scales(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %scale: f32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %q = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %k = ag.load %t[%n : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %qk = ag.dot %q, %k, %none : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %cs = tensor.splat %scale : tensor<16x16xf32>
    %once = arith.mulf %qk, %cs : tensor<16x16xf32>
    %log2e = arith.constant dense<1.44269502> : tensor<16x16xf32>
    %s = arith.mulf %once, %log2e : tensor<16x16xf32>
    %sum = arith.addf %acc, %s : tensor<16x16xf32>
    scf.yield %sum : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}
