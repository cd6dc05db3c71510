// Run one netlist in ngspice 45 with KLU: node klu.mjs PACKAGE NETLIST RAW; without a netlist, print the version.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [engine, netlist, raw] = process.argv.slice(2);
const { Simulation } = await import(pathToFileURL(engine));
const simulation = new Simulation();
await simulation.start();
if (netlist === undefined) {
  console.log(/ngspice-[\w.+]+/.exec(simulation.getInitInfo())?.[0] ?? "ngspice, version unknown");
  process.exit(0);
}
const lines = readFileSync(netlist, "utf8").split("\n");
lines.splice(1, 0, ".options klu");
simulation.setNetList(lines.join("\n"));
const result = await simulation.runSim();
console.log(simulation.getInfo());
for (const line of simulation.getError()) console.log(line);
if (result.dataType !== "real") throw new Error("its numbers are not real");
const kind = /^Plotname: *(.*)$/m.exec(result.header)?.[1] ?? "unknown";
const title = /^Title: *(.*)$/m.exec(result.header)?.[1] ?? "";
const head = [
  `Title: ${title}`,
  `Plotname: ${kind}`,
  "Flags: real",
  `No. Variables: ${result.data.length}`,
  `No. Points: ${result.numPoints}`,
  "Variables:",
  ...result.data.map((one, k) => `\t${k}\t${one.name.toLowerCase()}\t${one.type}`),
  "Binary:",
];
const table = new Float64Array(result.data.length * result.numPoints);
result.data.forEach((one, k) => one.values.forEach((value, p) => (table[p * result.data.length + k] = value)));
writeFileSync(raw, Buffer.concat([Buffer.from(head.join("\n") + "\n"), Buffer.from(table.buffer)]));
process.exit(0);
