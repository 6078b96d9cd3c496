module tapmesh/telemetry

go 1.22
