#!/usr/bin/env bash
# Data in the manner of TPC-H, always the same: generate.sh DIRECTORY [ORDERS]
set -euo pipefail

out=${1:?name the directory of the bucket}
orders=${2:-2000}
mkdir -p "$out/supplier" "$out/customer" "$out/sales"

awk 'BEGIN {
  split("FRANCE GERMANY KENYA PERU", nation, " ")
  print "supplier_id,name,nation"
  for (i = 1; i <= 40; i++) printf "%d,Supplier#%05d,%s\n", i, i, nation[i % 4 + 1]
}' > "$out/supplier/part-0.csv"

awk 'BEGIN {
  split("BUILDING MACHINERY HOUSEHOLD", segment, " ")
  print "customer_id,name,segment"
  for (i = 1; i <= 150; i++) printf "%d,\"Customer, %05d\",%s\n", i, i, segment[i % 3 + 1]
}' > "$out/customer/part-0.csv"

# Two files, as a warehouse likes them.
for part in 0 1; do
  awk -v part="$part" -v orders="$orders" 'BEGIN {
    print "order_id,customer_id,supplier_id,ordered,price,discount"
    for (i = 1 + part; i <= orders; i += 2)
      printf "%d,%d,%d,%04d-%02d-%02d,%d.%02d,0.%02d\n", i, i * 7 % 150 + 1, i * 13 % 40 + 1,
        2020 + i % 5, i % 12 + 1, i % 28 + 1, 100 + i * 37 % 9000, i % 100, i % 11
  }' > "$out/sales/part-$part.csv"
done
