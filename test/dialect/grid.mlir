// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// A kernel prints as it was written; its arguments keep their attributes.
// CHECK-LABEL: ag.kernel @kernel_arguments(
// CHECK-SAME: %[[X:.*]]: memref<f32> {ag.access = "inout", ag.name = "x"},
// CHECK-SAME: %[[STRIDE:.*]]: index, %[[EXTENT:.*]]: i32, %[[SCALAR:.*]]: f32) {
// CHECK-NEXT: ag.return
ag.kernel @kernel_arguments(%x: memref<f32> {ag.name = "x", ag.access = "inout"},
                            %stride: index, %extent: i32, %scalar: f32) {
  ag.return
}

// CHECK-LABEL: ag.kernel @kernel_without_arguments() {
ag.kernel @kernel_without_arguments() {
  ag.return
}

// Attributes of the kernel itself survive.
// CHECK: ag.kernel @kernel_attributes() attributes {note = "kept"} {
ag.kernel @kernel_attributes() attributes {note = "kept"} {
  ag.return
}

// CHECK-LABEL: ag.kernel @program_id_one
// CHECK: ag.program_id %{{.*}} : i32
ag.kernel @program_id_one(%n: i32) {
  %id = ag.program_id %n : i32
  ag.return
}

// The order is that of the grid: the first runs fastest.
// CHECK-LABEL: ag.kernel @program_id_three
// CHECK-SAME: %[[BLOCKS:.*]]: i32, %[[HEADS:.*]]: i32, %[[BATCH:.*]]: i32
// CHECK: %{{.*}}:3 = ag.program_id %[[BLOCKS]], %[[HEADS]], %[[BATCH]] : i32, i32, i32
ag.kernel @program_id_three(%blocks: i32, %heads: i32, %batch: i32) {
  %block, %head, %b = ag.program_id %blocks, %heads, %batch : i32, i32, i32
  ag.return
}
