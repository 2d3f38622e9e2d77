// The dashboard's picture, apart from the exporter: its npm packages hold Go files.
module opsmanager_exporter/dashboards/picture

go 1.26.0

ignore ./node_modules
