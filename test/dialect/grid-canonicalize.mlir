// RUN: ag-opt %s -canonicalize -cse | FileCheck %s

// The grid point is the same everywhere in a program, so one read is enough...
// CHECK-LABEL: ag.kernel @program_id_once
// CHECK: %[[ID:.*]] = ag.program_id
// CHECK-NOT: ag.program_id
// CHECK: ag.store %[[ID]]
// CHECK: ag.store %[[ID]]
ag.kernel @program_id_once(%p: memref<i32> {ag.access = "out"}, %n: i32) {
  %a = ag.program_id %n : i32
  %b = ag.program_id %n : i32
  ag.store %a, %p[] : i32, memref<i32>
  ag.store %b, %p[] : i32, memref<i32>
  ag.return
}

// ...and one that nobody uses is none.
// CHECK-LABEL: ag.kernel @program_id_unused
// CHECK-NEXT: ag.return
ag.kernel @program_id_unused(%n: i32) {
  %a = ag.program_id %n : i32
  ag.return
}
