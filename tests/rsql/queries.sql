-- Queries in the style of TPC-H and TPC-DS over a small shop, as Redshift's users write them. All of them run.

create table nations (n_key int not null distkey, n_name varchar(25), n_region varchar(25)) diststyle key sortkey(n_key);
create table customers (c_key bigint identity(1, 1), c_name varchar(40) encode lzo, c_nation int, c_since date, c_segment char(10))
    distkey(c_key) compound sortkey(c_since, c_key);
create table items (i_key int, i_name varchar(50), i_class varchar(20), i_price decimal(12, 2), i_added timestamp) diststyle all;
create table orders (o_key bigint, o_customer bigint, o_date date, o_status char(1), o_total decimal(14, 2), o_comment varchar(100))
    diststyle even sortkey(o_date);
create table lines (l_order bigint, l_item int, l_quantity int, l_price decimal(12, 2), l_discount decimal(5, 2), l_shipped date,
    l_returned boolean default false);

insert into nations values (1, 'FRANCE', 'EUROPE'), (2, 'GERMANY', 'EUROPE'), (3, 'BRAZIL', 'AMERICA'), (4, 'JAPAN', 'ASIA');
insert into customers (c_name, c_nation, c_since, c_segment) values ('Ada', 1, '2020-01-15', 'BUILDING'),
    ('Bea', 2, '2021-03-01', 'MACHINERY'), ('Cem', 3, '2022-06-30', 'BUILDING'), ('Dan', 4, '2023-12-31', null);
insert into items values (1, 'small brass nut', 'BRASS', 1.50, '2020-01-01 10:00:00'), (2, 'large steel bolt', 'STEEL', 2.75, '2021-01-01'),
    (3, 'green copper pipe', 'COPPER', 19.99, '2022-02-28 23:59:59'), (4, 'brass pipe', 'BRASS', 7.25, '2023-05-05');
insert into orders values (1, 1, '2024-01-05', 'F', 21.49, 'quick'), (2, 1, '2024-02-10', 'O', 2.75, 'special requests'),
    (3, 2, '2024-02-29', 'F', 59.97, null), (4, 3, '2024-03-15', 'P', 7.25, 'deposits'), (5, 2, '2025-01-01', 'F', 3.00, 'x');
insert into lines values (1, 1, 1, 1.50, 0.00, '2024-01-07', false), (1, 3, 1, 19.99, 0.05, '2024-01-09', true),
    (2, 2, 1, 2.75, 0.10, '2024-02-12', false), (3, 3, 3, 59.97, 0.00, null, false), (4, 4, 1, 7.25, 0.07, '2024-03-20', false),
    (5, 1, 2, 3.00, 0.00, '2025-01-02', false);
analyze orders;

-- 1: the pricing summary.
select o_status, sum(l_quantity) as quantity, sum(l_price * (1 - l_discount)) as revenue, avg(l_price::float8) as average, count(*) as n
from orders join lines on l_order = o_key where l_shipped <= dateadd(day, -90, date '2025-06-01') group by o_status order by o_status;
-- 2: the cheapest of each class.
select i_class, i_name from items i where i_price = (select min(i_price) from items j where j.i_class = i.i_class) order by 1;
-- 3: the orders that are worth most.
select top 2 o_key, sum(l_price * (1 - l_discount)) as revenue, o_date from customers, orders, lines
where c_segment = 'BUILDING' and c_key = o_customer and l_order = o_key group by o_key, o_date order by revenue desc, o_date;
-- 4: order priority.
select o_status, count(*) from orders o where exists (select 1 from lines l where l.l_order = o.o_key and l_shipped > o_date) group by 1 order by 1;
-- 5: revenue by nation.
select n_name, sum(l_price) as revenue from nations, customers, orders, lines
where n_key = c_nation and c_key = o_customer and o_key = l_order and n_region = 'EUROPE' group by n_name having sum(l_price) > 1 order by 2 desc;
-- 6: forecast.
select sum(l_price * l_discount) from lines where l_discount between 0.05 and 0.10 and l_quantity < 24;
-- 7: volume by year.
select n_name, extract(year from o_date) as y, sum(l_price) from nations join customers on c_nation = n_key join orders on o_customer = c_key
join lines on l_order = o_key group by n_name, extract(year from o_date) order by 1, 2;
-- 8: market share.
select date_part(year, o_date) as y, sum(case when n_name = 'FRANCE' then l_price else 0 end) / sum(l_price) as share
from orders, lines, customers, nations where o_key = l_order and o_customer = c_key and c_nation = n_key group by 1 order by 1;
-- 9: customers without orders.
select c_name from customers where not exists (select * from orders where o_customer = c_key) order by 1;
-- 10: an outer join that counts.
select c_count, count(*) as distribution from (select c_key, count(o_key) as c_count from customers left outer join orders
on c_key = o_customer and o_comment not like '%special%requests%' group by c_key) as c_orders group by c_count order by 2 desc, 1 desc;
-- 11: NVL and DECODE.
select nvl(c_segment, 'none'), decode(c_nation, 1, 'fr', 2, 'de', 'other') from customers order by c_key;
-- 12: NVL2 and NULLIF.
select nvl2(o_comment, length(o_comment), 0), nullif(o_status, 'F') from orders order by o_key;
-- 13: the best of each customer.
select o_customer, o_key from orders qualify row_number() over (partition by o_customer order by o_total desc) = 1 order by 1;
-- 14: a running total.
select o_key, sum(o_total) over (order by o_date rows between unbounded preceding and current row) from orders order by o_key;
-- 15: a moving average.
select o_key, avg(o_total) over (order by o_date rows between 1 preceding and 1 following) from orders order by 1;
-- 16: the order before.
select o_key, o_total - lag(o_total, 1) over (partition by o_customer order by o_date) as change from orders order by 1;
-- 17: ranks.
select i_name, rank() over (order by i_price desc), dense_rank() over (order by i_class), ntile(2) over (order by i_price) from items order by 1;
-- 18: shares of a whole.
select i_class, sum(i_price) / sum(sum(i_price)) over () as share from items group by i_class order by 1;
-- 19: lists.
select o_customer, listagg(o_key, ',') within group (order by o_key) as keys from orders group by o_customer order by 1;
-- 20: medians and percentiles.
select median(o_total), percentile_cont(0.9) within group (order by o_total) from orders;
-- 21: an approximate count.
select approximate count(distinct o_customer) from orders;
-- 22: rollup.
select n_region, n_name, count(*) from nations group by rollup (n_region, n_name) order by 1, 2;
-- 23: cube and grouping.
select grouping(i_class), i_class, sum(i_price) from items group by cube (i_class) order by 1, 2;
-- 24: grouping sets.
select o_status, o_customer, count(*) from orders group by grouping sets ((o_status), (o_customer), ()) order by 1, 2, 3;
-- 25: MINUS.
select c_key from customers minus select o_customer from orders order by 1;
-- 26: INTERSECT.
select o_customer from orders where o_status = 'F' intersect select o_customer from orders where o_status = 'O';
-- 27: UNION ALL in a common table expression.
with sold as (select l_item, l_price from lines), listed as (select i_key, i_price from items)
select kind, count(*), sum(price) from (select 'sold' as kind, l_price as price from sold union all select 'listed', i_price from listed) both_of
group by kind order by kind;
-- 28: recursion.
with recursive months(m) as (select date '2024-01-01' union all select dateadd(month, 1, m)::date from months where m < date '2024-04-01')
select m, count(o_key) from months left join orders on date_trunc('month', o_date) = m group by m order by m;
-- 29: days between.
select o_key, datediff(day, o_date, l_shipped) from orders join lines on l_order = o_key where l_shipped is not null order by 1, 2;
-- 30: ends of months.
select o_key, last_day(o_date), add_months(o_date, 1), to_char(o_date, 'YYYY-MM') from orders order by 1;
-- 31: time zones.
select convert_timezone('UTC', 'America/New_York', i_added) from items order by i_key;
-- 32: text.
select split_part(i_name, ' ', 2), upper(left(i_name, 3)), charindex('a', i_name), len(i_name), lpad(i_key::varchar, 3, '0') from items order by i_key;
-- 33: patterns.
select i_name from items where i_name ilike '%BRASS%' and i_name ~ '^(small|brass)' and i_name similar to '%(nut|pipe)%' order by 1;
-- 34: JSON.
select json_extract_path_text('{"a": {"b": "c"}}', 'a', 'b');
-- 35: conversions.
select cast(o_total as int), o_date::varchar(10), convert(varchar(20), o_key) from orders order by o_key;
-- 36: a correlated aggregate.
select o_key from orders o where o_total > (select avg(o_total) * 0.2 from orders p where p.o_customer = o.o_customer) order by 1;
-- 37: a table from a query.
create table top_customers distkey(o_customer) as select o_customer, sum(o_total) as total from orders group by 1;
-- 38: a temporary table.
create table #late as select l_order, max(l_shipped) as shipped from lines group by l_order;
select count(*) from #late where shipped > '2024-01-31';
-- 39: an update by a join.
update orders set o_comment = 'late' from #late where l_order = o_key and shipped > dateadd(day, 3, o_date);
-- 40: a delete by a join.
delete from top_customers using customers where c_key = o_customer and c_segment = 'MACHINERY';
-- 41: a merge.
create temp table staged (o_key bigint, o_total decimal(14, 2));
insert into staged values (5, 4.00), (6, 9.00);
merge into orders using staged s on orders.o_key = s.o_key when matched then update set o_total = s.o_total
when not matched then insert (o_key, o_total) values (s.o_key, s.o_total);
-- 42: what two periods have.
select count(case when o_date < '2024-03-01' then 1 end) as before, count(case when o_date >= '2024-03-01' then 1 end) as after from orders;
-- 43: the first and the last.
select distinct o_customer, first_value(o_key) over (partition by o_customer order by o_date rows between unbounded preceding and unbounded following),
last_value(o_key) over (partition by o_customer order by o_date rows between unbounded preceding and unbounded following) from orders order by 1;
-- 44: distribution.
select o_key, percent_rank() over (order by o_total), cume_dist() over (order by o_total) from orders order by 1;
-- 45: several joins of one table.
select a.o_key, b.o_key from orders a join orders b on a.o_customer = b.o_customer and a.o_key < b.o_key order by 1, 2;
-- 46: months of a year as columns.
select o_customer, sum(case when date_part(month, o_date) = 1 then o_total else 0 end) as jan, sum(case when date_part(month, o_date) = 2 then o_total
else 0 end) as feb from orders group by o_customer order by 1;
vacuum full orders;
