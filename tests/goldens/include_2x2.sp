a netlist in three files
.include 'include/Values.inc'
.include "include/cells.inc"
vrow0 a0 0 {vread}
vrow1 a1 0 {vread/2}
.inc include/ends.inc ; no quotes
.op
.end
