module example.test/lookup

go 1.19
