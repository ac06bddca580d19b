/* SPDX-License-Identifier: Apache-2.0
 *
 * With real brokers that want to know who is there: TLS, passwords from files and the environment,
 * SCRAM with Kafka 3.9 and 4, what is said when a log-in, a certificate or a topic is refused.
 */
#include "kafka/real.h"

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

static real_kafka older; /* 3.9, with rights */
static job_records got;
static char ca_setting[400];

/* A job: reads the topic to its end, by these settings. */
typedef struct reading {
    const char *brokers, *topic;
    const char *settings[12];
} reading;

static void build(weir_graph *g, void *ctx)
{
    const reading *r = ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = r->topic,
                                                .brokers = r->brokers, .settings = r->settings,
                                                .until_end = true);
    job_collect(lines.port, &got);
    weir_kafka_sink(lines, .topic = "secure-copy", .brokers = r->brokers,
                    .settings = r->settings);
}

static weir_status read_lines(const reading *r, weir_error *error)
{
    job_records_free(&got);
    job_log_start();
    return job_run(NULL, build, (void *)(uintptr_t)r, error);
}

static void check_read(const reading *r)
{
    weir_error error;
    weir_status status = read_lines(r, &error);
    ck_assert_msg(status == WEIR_OK, "%s (%s)", error.what, error.detail);
    ck_assert_str_eq(job_sorted(&got), "(text: \"a\") (text: \"b\")");
    ck_assert(!job_said("app-secret"));
    ck_assert_ptr_null(strstr(error.what, "app-secret"));
}

static const char *env(const char *name)
{
    const char *value = getenv(name);
    ck_assert_msg(value && *value, "%s is not set: run by ctest", name);
    return value;
}

START_TEST(a_topic_is_written)
{
    real_topic(env("BOOTSTRAP"), "secure", 2);
    real_topic(env("BOOTSTRAP"), "secure-copy", 1);
    real_write(env("BOOTSTRAP"), "secure", 0, (const char *const[]){ "a", NULL });
    real_write(env("BOOTSTRAP"), "secure", 1, (const char *const[]){ "b", NULL });
    snprintf(ca_setting, sizeof ca_setting, "ssl.ca.location=%s", env("CA_PEM"));
}
END_TEST

START_TEST(plain_password_from_the_environment)
{
    setenv("WEIR_TEST_PASSWORD", env("SASL_PASSWORD"), 1);
    check_read(&(reading){ env("SASL_BOOTSTRAP"), "secure",
                           { "security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN",
                             "sasl.username=app", "sasl.password=env:WEIR_TEST_PASSWORD" } });
}
END_TEST

START_TEST(tls)
{
    check_read(&(reading){ env("TLS_BOOTSTRAP"), "secure",
                           { "security.protocol=ssl", ca_setting } });
}
END_TEST

START_TEST(password_over_tls_from_a_file)
{
    FILE *file = fopen("kafka-password", "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s\n", env("SASL_PASSWORD"));
    fclose(file);
    check_read(&(reading){ env("SASL_TLS_BOOTSTRAP"), "secure",
                           { "security.protocol=sasl_ssl", "sasl.mechanism=PLAIN",
                             "sasl.username=app", "sasl.password=@kafka-password",
                             ca_setting } });
    unlink("kafka-password");
}
END_TEST

START_TEST(a_wrong_password_ends_the_run)
{
    weir_error error;
    reading r = { env("SASL_BOOTSTRAP"), "secure",
                  { "security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN",
                    "sasl.username=app", "sasl.password=wrong-one" } };
    ck_assert_int_eq(read_lines(&r, &error), WEIR_DENIED);
    ck_assert_msg(strstr(error.what, "the broker refuses the log-in"), "%s", error.what);
    ck_assert_ptr_null(strstr(error.what, "wrong-one"));
    ck_assert_ptr_null(strstr(error.what, "SCRAM"));
}
END_TEST

START_TEST(a_certificate_of_a_stranger_ends_the_run)
{
    weir_error error;
    reading r = { env("TLS_BOOTSTRAP"), "secure", { "security.protocol=ssl" } };
    ck_assert_int_eq(read_lines(&r, &error), WEIR_DENIED);
    ck_assert_msg(strstr(error.what, "TLS with the broker fails"), "%s", error.what);
}
END_TEST

/* Kafka 4 and an old librdkafka do not get on: the error has to say so. A newer one logs in. */
START_TEST(scram_with_kafka_4)
{
    weir_error error;
    reading r = { env("SASL_BOOTSTRAP"), "secure",
                  { "security.protocol=sasl_plaintext", "sasl.mechanism=SCRAM-SHA-256",
                    "sasl.username=app", "sasl.password=app-secret" } };
    if ((unsigned)rd_kafka_version() >= 0x020601ff) {
        check_read(&r);
        return;
    }
    ck_assert_int_eq(read_lines(&r, &error), WEIR_DENIED);
    ck_assert_msg(strstr(error.what, "SCRAM with brokers of Kafka 4 needs librdkafka 2.6.1"),
                  "%s", error.what);
}
END_TEST

START_TEST(an_older_broker_is_started)
{
    real_start(&older, "kafka-older", "KAFKA_TEST_VERSION=3.9.2",
               "--secure --prop authorizer.class.name="
               "org.apache.kafka.metadata.authorizer.StandardAuthorizer "
               "--prop allow.everyone.if.no.acl.found=true "
               "--prop super.users=User:ANONYMOUS");
    const char *brokers = real_env(&older, "BOOTSTRAP");
    real_topic(brokers, "secure", 2);
    real_topic(brokers, "secure-copy", 1);
    real_topic(brokers, "closed", 1);
    real_write(brokers, "secure", 0, (const char *const[]){ "a", NULL });
    real_write(brokers, "secure", 1, (const char *const[]){ "b", NULL });
    real_deny(brokers, "closed", "User:app");
}
END_TEST

START_TEST(scram_with_kafka_3)
{
    check_read(&(reading){ real_env(&older, "SASL_BOOTSTRAP"), "secure",
                           { "security.protocol=sasl_plaintext",
                             "sasl.mechanism=SCRAM-SHA-512", "sasl.username=app",
                             "sasl.password=app-secret" } });
}
END_TEST

START_TEST(a_topic_that_is_denied_ends_the_run)
{
    weir_error error;
    reading r = { real_env(&older, "SASL_BOOTSTRAP"), "closed",
                  { "security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN",
                    "sasl.username=app", "sasl.password=app-secret" } };
    ck_assert_int_eq(read_lines(&r, &error), WEIR_DENIED);
    ck_assert_msg(strstr(error.what, "access to topic 'closed' is denied"), "%s", error.what);
}
END_TEST

START_TEST(the_older_broker_is_stopped)
{
    job_records_free(&got);
    real_stop(&older);
}
END_TEST

int main(void)
{
    return test_run(test_suite("kafka_real_secure", (const TTest *const[]){
        a_topic_is_written, plain_password_from_the_environment, tls,
        password_over_tls_from_a_file, a_wrong_password_ends_the_run,
        a_certificate_of_a_stranger_ends_the_run, scram_with_kafka_4, an_older_broker_is_started,
        scram_with_kafka_3, a_topic_that_is_denied_ends_the_run, the_older_broker_is_stopped,
        NULL }));
}
