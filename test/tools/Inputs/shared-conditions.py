"""A kernel that tests the last of a Fibonacci row of `and`s or `or`s, of scalars or tiles."""

import sys

operation, kind = sys.argv[1:]
row = " ".join(f"let a{i} = a{i - 1} {operation} a{i - 2};" for i in range(2, 60))
if kind == "scalar":
    position = "cast<i64>(n)"
    body = "if a59 { y[n +: 16] = x[n +: 16]; } else { y[n +: 16] = x[n +: 16] * 2.0; }"
else:
    position = "cast<i64>(n + iota(16))"
    body = "continue unless any(a59); store(y[n +: 16], x[n +: 16], keep = a59);"
print(f"""kernel k(x: tensor<f32>[N], out y: tensor<f32>[N], m: i64, p: i64) grid (1) {{
  for n in 0 .. N step 16 {{
    let at = {position};
    let a0 = at <= m;
    let a1 = at <= p;
    {row}
    {body}
  }}
}}""")
