" Highlighting of AttentionGrid kernels.
if exists('b:current_syntax')
  finish
endif

syn keyword agStatement break continue return import
syn keyword agRepeat for while in step
syn keyword agConditional if else unless where
syn keyword agDeclaration const fn kernel let struct var variant grid tune out inout
syn keyword agOperatorWord and not or
syn keyword agConstant true false None inf nan PI LN2 LOG2E
syn keyword agType acc any bf16 bool f16 f32 f64 f8e4m3 f8e5m2 float i16 i32 i64 i8 int
syn keyword agType tensor tile u16 u32 u8
syn match agNumber '\<0[xX][0-9a-fA-F_]\+\>\|\<0[bB][01_]\+\>'
syn match agNumber '\<\d[0-9_]*\(\.\d[0-9_]*\)\?\([eE][+-]\?\d\+\)\?\>'
syn match agCall '\<\h\w*\ze\s*('
syn region agString start='"' skip='\\.' end='"\|$'
syn match agComment '//.*$'
syn match agDoc '///.*$'
syn region agComment start='/\*' end='\*/'

hi def link agStatement Statement
hi def link agRepeat Repeat
hi def link agConditional Conditional
hi def link agDeclaration Keyword
hi def link agOperatorWord Operator
hi def link agConstant Constant
hi def link agType Type
hi def link agNumber Number
hi def link agCall Function
hi def link agString String
hi def link agComment Comment
hi def link agDoc SpecialComment

setlocal commentstring=//\ %s comments=:///,://
let b:current_syntax = 'ag'
