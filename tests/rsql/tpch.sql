-- The 22 questions of TPC-H over its tables, worded as users of Redshift write them. All of them run.
create temp table region (r_regionkey int not null, r_name char(25), r_comment varchar(152)) diststyle all;
create temp table nation (n_nationkey int not null, n_name char(25), n_regionkey int, n_comment varchar(152)) diststyle all;
create temp table supplier (s_suppkey int not null distkey, s_name char(25), s_address varchar(40), s_nationkey int,
    s_phone char(15), s_acctbal decimal(12,2), s_comment varchar(101)) sortkey(s_suppkey);
create temp table customer (c_custkey bigint not null distkey, c_name varchar(25), c_address varchar(40), c_nationkey int,
    c_phone char(15), c_acctbal decimal(12,2), c_mktsegment char(10), c_comment varchar(117)) sortkey(c_custkey);
create temp table part (p_partkey bigint not null distkey, p_name varchar(55), p_mfgr char(25), p_brand char(10),
    p_type varchar(25), p_size int, p_container char(10), p_retailprice decimal(12,2), p_comment varchar(23));
create temp table partsupp (ps_partkey bigint not null distkey, ps_suppkey int, ps_availqty int,
    ps_supplycost decimal(12,2), ps_comment varchar(199));
create temp table orders (o_orderkey bigint not null distkey, o_custkey bigint, o_orderstatus char(1),
    o_totalprice decimal(12,2), o_orderdate date, o_orderpriority char(15), o_clerk char(15), o_shippriority int,
    o_comment varchar(79)) sortkey(o_orderdate, o_orderkey);
create temp table lineitem (l_orderkey bigint not null distkey, l_partkey bigint, l_suppkey int, l_linenumber int,
    l_quantity decimal(12,2), l_extendedprice decimal(12,2), l_discount decimal(12,2), l_tax decimal(12,2),
    l_returnflag char(1) encode bytedict, l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date,
    l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44)) sortkey(l_shipdate, l_orderkey);
insert into region values (0, 'AFRICA', ''), (1, 'AMERICA', ''), (2, 'ASIA', ''), (3, 'EUROPE', '');
insert into nation values (0, 'FRANCE', 3, ''), (1, 'GERMANY', 3, ''), (2, 'BRAZIL', 1, ''), (3, 'CANADA', 1, ''),
    (4, 'SAUDI ARABIA', 0, ''), (5, 'INDIA', 2, '');
insert into supplier values (1, 'Supplier#1', 'a', 0, '10-111', 10.50, ''), (2, 'Supplier#2', 'b', 1, '11-222', 99.00, ''),
    (3, 'Supplier#3', 'c', 3, '13-333', 5.25, 'Customer Complaints'), (4, 'Supplier#4', 'd', 4, '14-444', 7.00, ''),
    (5, 'Supplier#5', 'e', 2, '12-555', 1.00, ''), (6, 'Supplier#6', 'f', 5, '15-666', 3.00, '');
insert into customer values (1, 'Customer#1', 'x', 0, '13-101', 100.00, 'BUILDING', ''), (2, 'Customer#2', 'y', 1, '31-102', 900.00, 'AUTOMOBILE', ''),
    (3, 'Customer#3', 'z', 3, '23-103', 50.00, 'BUILDING', ''), (4, 'Customer#4', 'w', 2, '29-104', 999.99, 'BUILDING', ''),
    (5, 'Customer#5', 'v', 5, '30-105', 20.00, 'MACHINERY', '');
insert into part values (1, 'forest green metal', 'Mfgr#1', 'Brand#12', 'STANDARD POLISHED BRASS', 15, 'SM CASE', 90.00, ''),
    (2, 'blue steel', 'Mfgr#2', 'Brand#23', 'PROMO BURNISHED COPPER', 4, 'MED BOX', 20.00, ''),
    (3, 'forest chiffon', 'Mfgr#1', 'Brand#34', 'ECONOMY ANODIZED STEEL', 49, 'LG CASE', 45.50, '');
insert into partsupp values (1, 1, 100, 5.00, ''), (1, 2, 200, 4.00, ''), (2, 3, 50, 2.00, ''), (2, 2, 10, 2.50, ''), (3, 1, 300, 3.00, ''),
    (3, 4, 10, 3.50, ''), (3, 5, 7, 8.00, ''), (1, 6, 5, 9.00, '');
insert into orders values (1, 1, 'F', 100.00, '1995-03-01', '1-URGENT', 'c', 0, 'fast'), (2, 2, 'F', 200.00, '1994-05-02', '2-HIGH', 'c', 0, ''),
    (3, 3, 'O', 300.00, '1996-07-03', '5-LOW', 'c', 0, 'special requests'), (4, 1, 'F', 400.00, '1993-08-04', '3-MEDIUM', 'c', 0, ''),
    (5, 5, 'F', 50.00, '1994-02-05', '1-URGENT', 'c', 0, ''), (6, 3, 'F', 70.00, '1995-06-06', '4-NOT SPECIFIED', 'c', 0, '');
insert into lineitem values
    (1, 1, 1, 1, 17, 1000.00, 0.06, 0.02, 'R', 'F', '1995-03-20', '1995-03-10', '1995-03-25', 'DELIVER IN PERSON', 'AIR', ''),
    (1, 2, 2, 2, 36, 500.00, 0.05, 0.04, 'N', 'O', '1995-09-10', '1995-09-01', '1995-09-12', 'NONE', 'MAIL', ''),
    (2, 3, 5, 1, 310, 9000.00, 0.07, 0.01, 'A', 'F', '1994-06-02', '1994-07-01', '1994-07-05', 'COLLECT COD', 'SHIP', ''),
    (3, 3, 1, 1, 5, 250.00, 0.00, 0.00, 'N', 'O', '1996-08-01', '1996-08-10', '1996-08-05', 'NONE', 'AIR REG', ''),
    (4, 1, 2, 1, 20, 700.00, 0.10, 0.05, 'R', 'F', '1993-09-01', '1993-08-25', '1993-09-09', 'DELIVER IN PERSON', 'TRUCK', ''),
    (4, 3, 4, 2, 20, 700.00, 0.10, 0.05, 'R', 'F', '1993-09-01', '1993-10-25', '1993-10-09', 'NONE', 'RAIL', ''),
    (5, 1, 6, 1, 10, 300.00, 0.06, 0.05, 'R', 'F', '1994-02-25', '1994-02-20', '1994-03-01', 'NONE', 'MAIL', ''),
    (6, 3, 1, 1, 30, 800.00, 0.02, 0.03, 'N', 'F', '1995-06-20', '1995-07-01', '1995-07-05', 'NONE', 'SHIP', '');
-- 1: what was shipped, by status.
select l_returnflag, l_linestatus, sum(l_quantity) as quantity, sum(l_extendedprice * (1 - l_discount)) as revenue,
    sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as charge, avg(l_quantity), avg(l_discount), count(*)
from lineitem where l_shipdate <= dateadd(day, -90, '1998-12-01') group by 1, 2 order by 1, 2;
-- 2: the cheapest supplier of a part in a region.
select top 100 s_acctbal, s_name, n_name, p_partkey, ps_supplycost
from part join partsupp on p_partkey = ps_partkey join supplier on ps_suppkey = s_suppkey
    join nation on s_nationkey = n_nationkey join region on n_regionkey = r_regionkey
where p_type like '%BRASS' and r_name = 'EUROPE'
qualify rank() over (partition by p_partkey order by ps_supplycost) = 1 order by s_acctbal desc, n_name, s_name, p_partkey;
-- 3: unshipped orders that are worth most.
select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate, o_shippriority
from customer, orders, lineitem
where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey
    and o_orderdate < '1995-03-15' and l_shipdate > '1995-03-15'
group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate limit 10;
-- 4: late orders by priority.
select o_orderpriority, count(*) as orders from orders
where o_orderdate >= '1993-07-01'::date and o_orderdate < add_months('1993-07-01', 3)
    and exists (select 1 from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate)
group by o_orderpriority order by o_orderpriority;
-- 5: revenue between customers and suppliers of one nation.
select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue
from customer join orders on c_custkey = o_custkey join lineitem on l_orderkey = o_orderkey
    join supplier on l_suppkey = s_suppkey and c_nationkey = s_nationkey join nation on s_nationkey = n_nationkey
    join region on n_regionkey = r_regionkey
where r_name = 'ASIA' and date_part(year, o_orderdate) = 1994 group by n_name order by revenue desc;
-- 6: what discounts cost.
select sum(l_extendedprice * l_discount) as revenue from lineitem
where l_shipdate >= '1994-01-01' and l_shipdate < dateadd(year, 1, '1994-01-01')
    and l_discount between 0.06 - 0.01 and 0.06 + 0.01 and l_quantity < 24;
-- 7: volume between two nations.
select supp_nation, cust_nation, l_year, sum(volume) as revenue from (
    select n1.n_name as supp_nation, n2.n_name as cust_nation, extract(year from l_shipdate) as l_year,
        l_extendedprice * (1 - l_discount) as volume
    from supplier, lineitem, orders, customer, nation n1, nation n2
    where s_suppkey = l_suppkey and o_orderkey = l_orderkey and c_custkey = o_custkey and s_nationkey = n1.n_nationkey
        and c_nationkey = n2.n_nationkey
        and (n1.n_name = 'FRANCE' and n2.n_name = 'CANADA' or n1.n_name = 'CANADA' and n2.n_name = 'FRANCE')
        and l_shipdate between date '1995-01-01' and date '1996-12-31')
group by 1, 2, 3 order by 1, 2, 3;
-- 8: the share of a nation.
select o_year, sum(decode(nation, 'BRAZIL', volume, 0)) / sum(volume) as mkt_share from (
    select date_part_year(o_orderdate) as o_year, l_extendedprice * (1 - l_discount) as volume, n2.n_name as nation
    from part, supplier, lineitem, orders, nation n2
    where p_partkey = l_partkey and s_suppkey = l_suppkey and l_orderkey = o_orderkey and s_nationkey = n2.n_nationkey
        and p_type ilike '%anodized steel')
group by o_year order by o_year;
-- 9: profit by nation and year.
select nation, o_year, sum(amount) as sum_profit from (
    select n_name as nation, date_part(y, o_orderdate) as o_year,
        l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity as amount
    from part, supplier, lineitem, partsupp, orders, nation
    where s_suppkey = l_suppkey and ps_suppkey = l_suppkey and ps_partkey = l_partkey and p_partkey = l_partkey
        and o_orderkey = l_orderkey and s_nationkey = n_nationkey and charindex('green', p_name) > 0)
group by nation, o_year order by nation, o_year desc;
-- 10: customers who return.
select c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) as revenue, c_acctbal, trim(n_name), c_phone
from customer inner join orders on c_custkey = o_custkey inner join lineitem on l_orderkey = o_orderkey
    inner join nation on c_nationkey = n_nationkey
where l_returnflag = 'R' and o_orderdate >= '1993-07-01' group by 1, 2, 4, 5, 6 order by revenue desc limit 20;
-- 11: stock that matters.
select ps_partkey, sum(ps_supplycost * ps_availqty) as value
from partsupp, supplier where ps_suppkey = s_suppkey group by ps_partkey
having sum(ps_supplycost * ps_availqty) > (select sum(ps_supplycost * ps_availqty) * 0.0001 from partsupp)
order by value desc;
-- 12: shipping modes and priorities.
select l_shipmode, sum(case when o_orderpriority in ('1-URGENT', '2-HIGH') then 1 else 0 end) as high,
    sum(case when o_orderpriority not in ('1-URGENT', '2-HIGH') then 1 else 0 end) as low
from orders join lineitem on o_orderkey = l_orderkey
where l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate
group by l_shipmode order by l_shipmode;
-- 13: customers by their number of orders.
select c_count, count(*) as custdist from (
    select c_custkey, count(o_orderkey) as c_count
    from customer left outer join orders on c_custkey = o_custkey and o_comment not like '%special%requests%'
    group by c_custkey)
group by c_count order by custdist desc, c_count desc;
-- 14: the effect of promotions.
select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end)
    / sum(l_extendedprice * (1 - l_discount)) as promo_revenue
from lineitem, part where l_partkey = p_partkey and l_shipdate >= '1995-09-01' and l_shipdate <= last_day('1995-09-01');
-- 15: the best supplier.
with revenue as (select l_suppkey as supplier_no, sum(l_extendedprice * (1 - l_discount)) as total_revenue
    from lineitem where l_shipdate >= '1994-01-01' group by l_suppkey)
select s_suppkey, s_name, total_revenue from supplier, revenue
where s_suppkey = supplier_no and total_revenue = (select max(total_revenue) from revenue) order by s_suppkey;
-- 16: suppliers of parts, without complaints.
select p_brand, p_type, p_size, count(distinct ps_suppkey) as supplier_cnt
from partsupp, part where p_partkey = ps_partkey and p_brand <> 'Brand#45' and p_type not like 'MEDIUM POLISHED%'
    and ps_suppkey not in (select s_suppkey from supplier where s_comment like '%Customer%Complaints%')
group by p_brand, p_type, p_size order by supplier_cnt desc, p_brand, p_type, p_size;
-- 17: small orders of a part.
select sum(l_extendedprice) / 7.0 as avg_yearly from lineitem, part
where p_partkey = l_partkey and l_quantity < (select 0.9 * avg(l_quantity) from lineitem where l_partkey = p_partkey);
-- 18: large orders.
select c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity)
from customer, orders, lineitem
where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 300)
    and c_custkey = o_custkey and o_orderkey = l_orderkey
group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice order by o_totalprice desc, o_orderdate limit 100;
-- 19: revenue of some brands.
select sum(l_extendedprice * (1 - l_discount)) as revenue from lineitem join part on p_partkey = l_partkey
where p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX') and l_quantity between 1 and 20 and l_shipmode in ('AIR', 'AIR REG')
    or p_brand = 'Brand#23' and p_container similar to 'MED (BAG|BOX)%' and l_quantity >= 10;
-- 20: suppliers with too much stock.
select s_name, s_address from supplier, nation
where s_suppkey in (select ps_suppkey from partsupp
        where ps_partkey in (select p_partkey from part where left(p_name, 6) = 'forest')
            and ps_availqty > (select 0.5 * sum(l_quantity) from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey))
    and s_nationkey = n_nationkey and n_name = 'FRANCE' order by s_name;
-- 21: suppliers who kept orders waiting.
select s_name, count(*) as numwait from supplier, lineitem l1, orders, nation
where s_suppkey = l1.l_suppkey and o_orderkey = l1.l_orderkey and o_orderstatus = 'F' and l1.l_receiptdate > l1.l_commitdate
    and exists (select * from lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey)
    and not exists (select * from lineitem l3 where l3.l_orderkey = l1.l_orderkey and l3.l_suppkey <> l1.l_suppkey
        and datediff(day, l3.l_commitdate, l3.l_receiptdate) > 0)
    and s_nationkey = n_nationkey group by s_name order by numwait desc, s_name limit 100;
-- 22: where sales may begin.
select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal from (
    select substring(c_phone from 1 for 2) as cntrycode, c_acctbal from customer
    where substring(c_phone, 1, 2) in ('13', '31', '23', '29', '30', '18', '17')
        and c_acctbal > (select avg(c_acctbal) from customer where c_acctbal > 0.00)
        and not exists (select * from orders where o_custkey = c_custkey))
group by cntrycode order by cntrycode;
