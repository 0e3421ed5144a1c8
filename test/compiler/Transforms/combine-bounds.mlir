// RUN: ag-opt %s -ag-combine-bounds -cse -canonicalize -split-input-file | FileCheck %s

// One comparison of the column's number with a bound per row.
// CHECK-LABEL: ag.kernel @causal
// CHECK:      %[[IOTA:.*]] = ag.iota
// CHECK:      %[[BOUND:.*]] = arith.minsi %{{.*}}, %{{.*}} : tensor<16x1xi32>
// CHECK:      %[[MOVED:.*]] = arith.subi %[[BOUND]], %{{.*}} : tensor<16x1xi32>
// CHECK-DAG:  %[[COLS:.*]] = ag.broadcast %[[IOTA]] along [1]
// CHECK-DAG:  %[[LIMITS:.*]] = ag.broadcast %[[MOVED]] along [0, 1]
// CHECK:      %[[KEEP:.*]] = arith.cmpi sle, %[[COLS]], %[[LIMITS]] : tensor<16x16xi32>
// CHECK-NOT:  arith.cmpi
// CHECK:      ag.store %[[KEEP]]
ag.kernel @causal(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32 {ag.extent}, %m: i32 {ag.extent}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<i1> to memref<16x16xi1, strided<[16, 1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %row = arith.addi %ms, %iota : tensor<16xi32>
  %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
  %few = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<1x16xi32>
  %size = tensor.splat %N : tensor<1x16xi32>
  %some = arith.cmpi slt, %few, %size : tensor<1x16xi32>
  %inside = ag.broadcast %some along [0, 1] : tensor<1x16xi1> -> tensor<16x16xi1>
  %keep = arith.andi %below, %inside : tensor<16x16xi1>
  %zero = arith.constant 0 : i32
  ag.store %keep, %t[%zero : 16, %zero : 16] : tensor<16x16xi1>, memref<16x16xi1, strided<[16, 1]>>
  ag.return
}

// -----

// What might wrap stays as it is.
// CHECK-LABEL: ag.kernel @wraps
// CHECK:      arith.addi
// CHECK:      arith.cmpi slt
// CHECK-NOT:  arith.subi
ag.kernel @wraps(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32, %m: i32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<i1> to memref<16xi1, strided<[1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %keep = arith.cmpi slt, %col, %ms : tensor<16xi32>
  %zero = arith.constant 0 : i32
  ag.store %keep, %t[%zero : 16] : tensor<16xi1>, memref<16xi1, strided<[1]>>
  ag.return
}

// -----

// A band of columns in each row: two comparisons, whichever order its parts
// stand in. A row has one if its first column is not behind its last one.
// CHECK-LABEL: ag.kernel @band
// CHECK-DAG:  %[[ZERO:.*]] = arith.constant dense<0> : tensor<16x1xi32>
// CHECK-DAG:  %[[LAST:.*]] = arith.constant dense<15> : tensor<16x1xi32>
// CHECK:      arith.minsi
// CHECK-NEXT: tensor.splat
// CHECK-NEXT: %[[HIGH:.*]] = arith.subi
// CHECK:      arith.cmpi sle, %{{.*}}, %{{.*}} : tensor<16x16xi32>
// CHECK:      arith.maxsi
// CHECK-NEXT: %[[LOW:.*]] = arith.subi
// CHECK:      arith.cmpi sge, %{{.*}}, %{{.*}} : tensor<16x16xi32>
// CHECK-DAG:  %[[END:.*]] = arith.minsi %[[HIGH]], %[[LAST]]
// CHECK-DAG:  %[[BEGIN:.*]] = arith.maxsi %[[LOW]], %[[ZERO]]
// CHECK:      %[[SOME:.*]] = arith.cmpi sle, %[[BEGIN]], %[[END]] : tensor<16x1xi32>
// CHECK:      %[[ALIVE:.*]] = arith.andi %[[SOME]], %{{.*}} : tensor<16x1xi1>
// CHECK-NOT:  tensor<16x16xi32>
// CHECK:      ag.reduce any %[[ALIVE]] axes [0, 1] : tensor<16x1xi1> -> i1
ag.kernel @band(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32 {ag.extent}, %m: i32 {ag.extent}, %f: i32 {ag.extent}, %l: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<i1> to memref<16x16xi1, strided<[16, 1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %fs = tensor.splat %f : tensor<16x16xi32>
  %ls = tensor.splat %l : tensor<16x16xi32>
  %size = tensor.splat %m : tensor<16x16xi32>
  %more = arith.constant dense<3> : tensor<16x16xi32>
  %low = arith.cmpi sge, %cols, %fs : tensor<16x16xi32>
  %lower = arith.cmpi sgt, %cols, %more : tensor<16x16xi32>
  %high = arith.cmpi sle, %cols, %ls : tensor<16x16xi32>
  %inside = arith.cmpi slt, %cols, %size : tensor<16x16xi32>
  %few = arith.constant dense<9> : tensor<16xi32>
  %row = arith.cmpi slt, %iota, %few : tensor<16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi1> -> tensor<16x16xi1>
  %a = arith.andi %high, %low : tensor<16x16xi1>
  %b = arith.andi %a, %rows : tensor<16x16xi1>
  %c = arith.andi %b, %inside : tensor<16x16xi1>
  %keep = arith.andi %c, %lower : tensor<16x16xi1>
  %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
  %zero = arith.constant 0 : i32
  ag.store %keep, %t[%zero : 16, %zero : 16] : tensor<16x16xi1>, memref<16x16xi1, strided<[16, 1]>>
  %one = tensor.splat %some : tensor<1x1xi1>
  ag.store %one, %t[%zero : 1, %zero : 1] : tensor<1x1xi1>, memref<16x16xi1, strided<[16, 1]>>
  ag.return
}

// -----

// A part that may be true here and there, so that all elements are looked at.
// CHECK-LABEL: ag.kernel @scattered
// CHECK: ag.reduce any %{{.*}} axes [0, 1] : tensor<16x16xi1> -> i1
ag.kernel @scattered(%p: memref<i1> {ag.name = "p", ag.access = "inout"}, %m: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<i1> to memref<16x16xi1, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %iota = ag.iota : tensor<16xi32>
  %cols = ag.broadcast %iota along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %ms = tensor.splat %m : tensor<16x16xi32>
  %below = arith.cmpi sle, %cols, %ms : tensor<16x16xi32>
  %loaded = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xi1, strided<[16, 1]>> -> tensor<16x16xi1>
  %keep = arith.andi %below, %loaded : tensor<16x16xi1>
  %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
  %one = tensor.splat %some : tensor<1x1xi1>
  ag.store %one, %t[%zero : 1, %zero : 1] : tensor<1x1xi1>, memref<16x16xi1, strided<[16, 1]>>
  ag.return
}

// -----

// All columns have the same position: there is one only if it is between.
// CHECK-LABEL: ag.kernel @repeated
// CHECK: ag.reduce any %{{.*}} axes [0, 1] : tensor<16x16xi1> -> i1
ag.kernel @repeated(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %m: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<i1> to memref<16x16xi1, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %iota = ag.iota : tensor<1xi32>
  %cols = ag.broadcast %iota along [1] : tensor<1xi32> -> tensor<16x16xi32>
  %ms = tensor.splat %m : tensor<16x16xi32>
  %keep = arith.cmpi sge, %cols, %ms : tensor<16x16xi32>
  %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
  %one = tensor.splat %some : tensor<1x1xi1>
  ag.store %one, %t[%zero : 1, %zero : 1] : tensor<1x1xi1>, memref<16x16xi1, strided<[16, 1]>>
  ag.return
}
