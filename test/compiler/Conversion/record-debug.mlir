// Prints and asserts of GPUs are stores to one more tensor.
// RUN: ag-opt %s -ag-record-debug | FileCheck %s

// CHECK: ag.kernel @both(%{{.*}}: i1, %{{.*}}: i32, %[[ARG:.*]]: memref<i32> {ag.access = "inout", ag.name = "debug"})
// CHECK-SAME: ag.asserts = ["why"]
// CHECK-SAME: ag.prints = {{\[}}["text", [array<i64: 3, 2, 4>, array<i64: 11>]]]
// CHECK: %[[T:.*]] = memref.reinterpret_cast %[[ARG]] to offset: [0], sizes: [262144], strides: [1]
// CHECK: scf.if
// CHECK: ag.store %c1_i32{{.*}}, %[[T]][%c0_i32{{.*}}]
// The record: its number, how many words, 8 of a tile, two of an f64.
// CHECK: %[[AT:.*]] = ag.atomic add %c12_i32, %[[T]][%c1_i32{{.*}}]
// CHECK: ag.store %c0_i32{{.*}}, %[[T]]
// CHECK: ag.store %c12_i32{{.*}}, %[[T]]
// CHECK: ag.store %{{.*}} : tensor<8xi32>
// CHECK: ag.store %{{.*}} : i32
// CHECK: ag.store %{{.*}} : i32
// CHECK-NOT: ag.print
ag.kernel @both(%c: i1, %n: i32) {
  %t = tensor.splat %n : tensor<2x4xi32>
  %f = arith.sitofp %n : i32 to f64
  ag.assert %c, "why"
  ag.print "text", %t, %f : tensor<2x4xi32>, f64
  ag.return
}

// Without either nothing is added.
// CHECK-LABEL: ag.kernel @neither(%{{.*}}: i32) {
ag.kernel @neither(%n: i32) {
  ag.return
}
