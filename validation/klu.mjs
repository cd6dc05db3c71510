// Run one netlist in ngspice 45 with KLU: node klu.mjs FILE, where the package eecircuit-engine is installed.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// A script's own folder is where bare imports look; the package is where the command was called.
const engine = process.cwd() + "/node_modules/eecircuit-engine/dist/eecircuit-engine.mjs";
const { Simulation } = await import(pathToFileURL(engine));
const simulation = new Simulation();
await simulation.start();
simulation.setNetList(readFileSync(process.argv[2], "utf8").replace(/^\.op$/m, ".op\n.options klu"));
const result = await simulation.runSim();
const currents = result.data.filter((one) => /^i\(vbb\d+\)$/.test(one.name.toLowerCase()));
if (!simulation.getInfo().includes("Using KLU")) throw new Error("KLU was not used");
console.log(JSON.stringify(currents.map((one) => one.values[0])));
process.exit(0);
