// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// A window of run-time width limits the loop on both sides. Its start is rounded up
// to a whole number of steps from 0: (limit + 15) / 16 * 16.
// CHECK-LABEL: ag.kernel @window
// CHECK:     %[[LIMIT:.*]] = arith.minsi
// CHECK-NEXT: %[[AHEAD:.*]] = arith.addi %[[LIMIT]], %c15_i64
// CHECK-NEXT: %[[STEPS:.*]] = arith.shrsi %[[AHEAD]], %c4_i64
// CHECK:     %[[SKIPPED:.*]] = arith.muli %[[STEPS]], %c16_i64
// CHECK:     %[[LOWER64:.*]] = arith.minsi %[[SKIPPED]], %{{.*}}
// CHECK:     %[[LOWER:.*]] = arith.trunci %[[LOWER64]] : i64 to i32
// CHECK:     %[[UPPER:.*]] = arith.trunci %{{.*}} : i64 to i32
// CHECK:     scf.for %{{.*}} = %[[LOWER]] to %[[UPPER]] step %c16_i32
// CHECK:       %[[ABOVE:.*]] = arith.cmpi sge
// CHECK:       %[[BELOW:.*]] = arith.cmpi sle
// CHECK:       %[[ALL:.*]] = arith.andi %[[ABOVE]], %[[BELOW]]
// CHECK:       scf.if %[[ALL]]
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         ag.reduce any
ag.kernel @window(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}, %W: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %ahead = arith.constant 15 : i32
  %padded = arith.addi %M, %ahead : i32
  %blocks = arith.divsi %padded, %size : i32
  %block = ag.program_id %blocks : i32
  %m = arith.muli %block, %size : i32
  %base = tensor.splat %m : tensor<16xi32>
  %row = arith.addi %base, %iota : tensor<16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %w = tensor.splat %W : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %low = arith.subi %rows, %w : tensor<16x16xi32>
    %above = arith.cmpi sgt, %cols, %low : tensor<16x16xi32>
    %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %keep = arith.andi %above, %below : tensor<16x16xi1>
    %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %x = arith.select %keep, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = ag.dot %x, %v, %acc keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// `abs(i - j) < W` limits both sides too; W may be any i32, as nothing is computed
// with it in 32 bits.
// CHECK-LABEL: ag.kernel @two_sided
// CHECK:     %[[LOWER:.*]] = arith.trunci %{{.*}} : i64 to i32
// CHECK:     %[[UPPER:.*]] = arith.trunci %{{.*}} : i64 to i32
// CHECK:     scf.for %{{.*}} = %[[LOWER]] to %[[UPPER]] step %c16_i32
// CHECK:       scf.if
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         math.absi
ag.kernel @two_sided(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}, %W: i32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %ahead = arith.constant 15 : i32
  %padded = arith.addi %M, %ahead : i32
  %blocks = arith.divsi %padded, %size : i32
  %block = ag.program_id %blocks : i32
  %m = arith.muli %block, %size : i32
  %base = tensor.splat %m : tensor<16xi32>
  %row = arith.addi %base, %iota : tensor<16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %w = tensor.splat %W : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %apart = arith.subi %rows, %cols : tensor<16x16xi32>
    %distance = math.absi %apart : tensor<16x16xi32>
    %keep = arith.cmpi slt, %distance, %w : tensor<16x16xi32>
    %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %x = arith.select %keep, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = ag.dot %x, %v, %acc keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}
