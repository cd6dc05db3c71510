R1 looks like an element, but the first line is the title
* Spellings of HSPICE and LTspice that ngspice takes too; line endings, case and order as they come.
.PARAM Rlrs = '1k' rhrs='20*rlrs'
.param VREAD={0.25+0.05} rw=1.6
VIN<0> WL[0] gnd DC='vread' $ HSPICE: quoted expressions, a comment after a dollar
vin<1> (WL[1], 0) dc {-vread/3} ; LTspice: braces, a comment after a semicolon
RW00 wl[0] Wl0_1 R='rw'
rw01 WL0_1 wl0_2
+ {rw*1.5}

* a comment and a blank line before the next continuation
rw10 wl[1] wl1_1
* still the same element
   + 2.4ohm
rw11 wl1_1 wl1_2 900m
r_a wl[0] bl0_0 {rlrs}
r_b wl0_1 bl0_1 'rhrs'
r_c wl0_2 bl0_2 1.5kOhm
r_d wl[1] bl1_0 3.9K	// a tab, and a comment after two slashes
r_e wl1_1 bl1_1 {rlrs + rhrs/8}
r_f wl1_2 bl1_2 0.1MEG
rb0 bl0_0 bl1_0 1.1
rb1 bl0_1 bl1_1 2e0
rb2 bl0_2 bl1_2 3300mOhm
rs0 bl1_0 0 4
rs1 bl1_1 GND 40mil
vs2 bl1_2 0 0V
.options reltol=1e-6
.op
.end
