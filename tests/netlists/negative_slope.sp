* Laws that fall: a cubic and a tunnel diode, without hysteresis
v1 a 0 0
r1 a b 50
b1 b 0 i={1m*v(b)*(v(b)-1)*(v(b)-1.5)+2m*v(b)}
r2 a c 20
b2 c 0 i={1e-3*v(c)/0.065*exp(1-v(c)/0.065)+1e-12*(exp(v(c)/0.026)-1)}
.dc v1 0 0.7 0.05
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
