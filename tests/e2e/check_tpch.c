/* SPDX-License-Identifier: Apache-2.0
 *
 * What the example tpch says of files, plans and options that are none, and of small tables what it
 * should. Its answers to all queries on tables of some size are compared with another program's:
 * examples/tpch/compare.py.
 */
#include "e2e/process.h"

static char program[4096];
static process p;

static const char region[] = "0|AFRICA|x|\n2|ASIA|x|\n";
static const char lineitem[] = "1|1|1|1|10|100.00|0.06|0.02|N|O|1994-03-01|1994-02-01|1994-03-05|"
                               "NONE|MAIL|x|\n"
                               "1|2|1|2|20|50.5|0.05|0.02|R|F|1994-12-31|1994-02-01|1994-03-05|"
                               "NONE|MAIL|x|\n"
                               "2|2|1|1|24|50.50|0.05|0.02|R|F|1994-06-01|1994-02-01|1994-03-05|"
                               "NONE|MAIL|x|\n";

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Runs a query over what is in the folder. */
static int run(const char *options)
{
    process_start(&p, "exec %s --data . --workers 2 %s", program, options);
    return process_wait(&p);
}

static void expect_refusal(const char *options, int status, const char *what)
{
    ck_assert_int_eq(run(options), status);
    ck_assert_msg(strstr(p.text[1], what), "not '%s': %s", what, p.text[1]);
    ck_assert_str_eq(p.text[0], "");
}

static void no_files(void) { ck_assert_int_eq(shell("rm -rf ./*"), 0); }

START_TEST(answers)
{
    no_files();
    write_file("lineitem.tbl", lineitem);
    ck_assert_int_eq(run("--query 6"), 0);
    ck_assert_str_eq(p.text[0], "-- all: query 6, Forecasting Revenue Change\n"
                                "revenue\n8.5250\n");
    write_file("plan", "# two lines, of which one leaves\nadd lineitem 2..3\nanswer two\n\n"
                       "remove lineitem 2..2/1\nanswer one\nadd lineitem 1..2\nanswer three\n");
    ck_assert_int_eq(run("--query 6 --changes plan --batch 1"), 0);
    ck_assert_str_eq(p.text[0], "-- two: query 6, Forecasting Revenue Change\nrevenue\n2.5250\n"
                                "-- one: query 6, Forecasting Revenue Change\nrevenue\n"
                                "-- three: query 6, Forecasting Revenue Change\nrevenue\n8.5250\n");
    ck_assert_int_eq(run("--query 6 --changes plan --answers ."), 0);
    ck_assert_str_eq(p.text[0], "");
    ck_assert_str_eq(file_text("two.q6"), "revenue\n2.5250\n");
    ck_assert_int_eq(run("--query 6 > /dev/full"), 1);
}
END_TEST

START_TEST(bad_files)
{
    /* What is put in the place of the second line's columns 5 to 11. */
    static const struct {
        const char *columns, *says;
    } lines[] = {
        { "ten|1.00|0.00|0.00|R|F|1994-01-01",
          "lineitem.tbl, line 2, column l_quantity: 'ten' is not a number from 0 to 655.35 with at "
          "most two digits after the point" },
        { "655.36|1.00|0.00|0.00|R|F|1994-01-01", "column l_quantity: '655.36' is not a number" },
        { "-1|1.00|0.00|0.00|R|F|1994-01-01", "column l_quantity: '-1' is not a number" },
        { "10|1.005|0.00|0.00|R|F|1994-01-01", "column l_extendedprice: '1.005' is not a number" },
        { "10|99999999999999999999|0|0|R|F|1994-01-01", "column l_extendedprice: '9999" },
        { "10|1|0|0|RF|F|1994-01-01", "column l_returnflag: 'RF' is not one character" },
        { "10|1|0|0|R||1994-01-01", "column l_linestatus: '' is not one character" },
        { "10|1|0|0|R|F|1994-02-30",
          "column l_shipdate: '1994-02-30' is not a date like 1998-12-01" },
        { "10|1|0|0|R|F|1994-01-01|1994-01-01", "line 2: more than 16 columns" },
    };
    char text[1000];
    no_files();
    expect_refusal("--query 6", 1, "there is no lineitem.tbl and no lineitem.csv in .");
    expect_refusal("", 1, "and no "); /* to know the options all are built, without tables */
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *first = strchr(lineitem, '\n') + 1;
        (void)snprintf(text, sizeof text,
                       "%.*s1|2|1|2|%s|1994-02-01|1994-03-05|NONE|MAIL|x|\n",
                       (int)(first - lineitem), lineitem, lines[i].columns);
        write_file("lineitem.tbl", text);
        expect_refusal("--query 6", 1, lines[i].says);
    }
    write_file("lineitem.tbl", "-1|2|1|2|10|1|0|0|R|F|1994-01-01|1994-02-01|1994-03-05|A|B|x|\n");
    expect_refusal("--query 6", 1,
                   "line 1, column l_orderkey: '-1' is not a whole number that fits");
    write_file("lineitem.tbl", "1|2|1|2|10|1|0|0|R|F|1994-01-01|1994-02-01|1994-03-05|A|B|x");
    expect_refusal("--query 6", 1, "column l_comment: it is missing, or has no | behind it");
    write_file("lineitem.tbl", "\n");
    expect_refusal("--query 6", 1, "line 1, column l_orderkey: it is missing");
    write_file("lineitem.tbl", "1|4294967296|1|2|");
    expect_refusal("--query 6", 1, "column l_partkey: '4294967296' is not a whole number");
    ck_assert_int_eq(shell("rm lineitem.tbl && mkdir lineitem.tbl"), 0);
    expect_refusal("--query 6", 1, "cannot read lineitem.tbl");
    write_file("customer.tbl", "");
    write_file("orders.tbl", "");
    ck_assert_int_eq(run("--query 13"), 0);
    ck_assert_str_eq(p.text[0], "-- all: query 13, Customer Distribution\nc_count|custdist\n");
}
END_TEST

START_TEST(csv_files)
{
    static const char names[] = "c_custkey,c_name,c_address,c_nationkey,c_phone,c_acctbal,"
                                "c_mktsegment,c_comment\n";
    char text[400];
    no_files();
    write_file("orders.csv", "o_orderkey,o_custkey,o_orderstatus,o_totalprice,o_orderdate,"
                             "o_orderpriority,o_clerk,o_shippriority,o_comment\n");
    write_file("customer.csv", "c_custkey,c_name\n");
    expect_refusal("--query 22", 1, "customer.csv, line 1: not the names of the columns");
    (void)snprintf(text, sizeof text,
                   "%s1,Ada,\"a, b\",1,13-1,-5.00,M,\n2,Bob,,1,13-2,7.5,M,\"\"\n"
                   "3,Cy,,1,13-3,9.25,M,\"x\"",
                   names);
    write_file("customer.csv", text);
    ck_assert_int_eq(run("--query 22"), 0);
    ck_assert_str_eq(p.text[0], "-- all: query 22, Global Sales Opportunity\n"
                                "cntrycode|numcust|totacctbal\n13|1|9.25\n");
    (void)snprintf(text, sizeof text, "%s1,Ada,\"a, b,1,13-1,-5.00,M,\n", names);
    write_file("customer.csv", text);
    expect_refusal("--query 22", 1,
                   "customer.csv, line 2, column c_address: it is missing, or has no quote");
    (void)snprintf(text, sizeof text, "%s1,Ada,b,1,13-1,-5.00,M,,\n", names);
    write_file("customer.csv", text);
    expect_refusal("--query 22", 1, "customer.csv, line 2: more than 8 columns");
}
END_TEST

START_TEST(bad_plans)
{
    static const struct {
        const char *plan, *says;
    } plans[] = {
        { "add lineitem 1..2\nload lineitem\n",
          "line 2 of the plan, 'load lineitem': it begins with none of add, remove and answer" },
        { "add lines\n", "a change names a table" },
        { "add\n", "a change names a table" },
        { "add lineitem 1..2 3\n", "a change names a table" },
        { "add lineitem 0..2\n", "rows are FIRST..LAST" },
        { "add lineitem 1..4\n", "from 1 to as many as there are" },
        { "add lineitem 2..1\n", "rows are FIRST..LAST" },
        { "add lineitem 1..2/0\n", "rows are FIRST..LAST" },
        { "add lineitem 1..2/\n", "rows are FIRST..LAST" },
        { "add lineitem 1..2/18446744073709551615\n", "FIRST..LAST/STEP, each from 1 to as many" },
        { "add lineitem 1..2/18446744073709551616\n", "FIRST..LAST/STEP, each from 1 to as many" },
        { "add lineitem -1..2\n", "rows are FIRST..LAST" },
        { "answer\n", "an answer has one name" },
        { "answer a b\n", "an answer has one name" },
        { "answer ../x\n", "of small letters, digits, -" },
        { "add lineitem 1..2\nadd lineitem 2..3\n",
          "line 2 of the plan: row 2 of lineitem is there already" },
        { "remove lineitem 3..3\n", "line 1 of the plan: row 3 of lineitem is not there" },
    };
    no_files();
    write_file("lineitem.tbl", lineitem);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        write_file("plan", plans[i].plan);
        expect_refusal("--query 6 --changes plan", 1, plans[i].says);
    }
    expect_refusal("--query 6 --changes none", 1, "cannot open the plan none");
    expect_refusal("--query 6 --answers none", 1, "cannot write none/all.q6");
    write_file("region.tbl", region);
    write_file("plan", "add region\n"); /* of which query 6 knows nothing */
    ck_assert_int_eq(run("--query 6 --changes plan"), 0);
}
END_TEST

START_TEST(bad_options)
{
    static const char *const of_eleven[] = { "partsupp.tbl", "supplier.tbl", "nation.tbl" };
    no_files();
    write_file("lineitem.tbl", lineitem);
    expect_refusal("--query 23", 1, "there is no query '23' in TPC-H");
    expect_refusal("--query 0", 1, "there is no query '0'");
    expect_refusal("--query six", 1, "there is no query 'six'");
    expect_refusal("--query 6 --batch 0", 1, "no changes an epoch");
    for (size_t i = 0; i < sizeof of_eleven / sizeof *of_eleven; i++)
        write_file(of_eleven[i], "");
    expect_refusal("--query 11 --batch 0", 1, "no changes an epoch");
    expect_refusal("--query 6 --batches 1", 2, "--batches");
    process_start(&p, "exec %s --query 6", program);
    ck_assert_int_eq(process_wait(&p), 1);
    ck_assert_ptr_nonnull(strstr(p.text[1], "no tables were given"));
    process_start(&p, "exec %s --help", program);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[0], "--changes"));
}
END_TEST

int main(void)
{
    const TTest *tests[] = { answers, bad_files, csv_files, bad_plans, bad_options, NULL };
    if (!realpath("examples/tpch/tpch", program))
        return 1;
    folder_make();
    int status = test_run(test_suite("tpch", tests));
    folder_remove();
    return status;
}
