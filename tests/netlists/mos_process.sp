* Parameters from oxide and doping, resistances, areas, a bulk of its own
vd d 0 3
vg g 0 3
vh h 0 0
vb k 0 -1
m1 d g 0 0 n1 w=2u l=1u
m2 0 h d d p1 w=2u l=1u
m3 d g 0 0 n2 w=2u l=1u nrs=3
m4 d g 0 0 n3 w=2u l=1u ad=1p as=2p
m5 d g s k n3 w=2u l=1u
rs s 0 1k
m6 d g 0 0 n4
.model n1 nmos(tox=20n nsub=1e16 uo=500 nss=1e10 ld=0.1u tpg=1)
.model p1 pmos(tox=20n nsub=1e15 tpg=-1)
.model n2 nmos(vto=.5 kp=1e-4 rsh=50 ld=0.05u)
.model n3 nmos(vto=.5 kp=1e-4 rd=100 rs=20 js=1e-3 gamma=0.3 cgso=1n tnom=50)
.model n4 nmos
.options defl=2u defw=6u
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
