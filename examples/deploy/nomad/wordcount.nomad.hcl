# A group is a process, on a node of its own: nomad job run -var 'nodes=["one","two"]' ...
variable "nodes" {
  type        = list(string)
  description = "names of the nodes: processes are numbered in this order"
}

job "wordcount" {
  type = "service"

  dynamic "group" {
    for_each = var.nodes
    labels   = ["process-${group.key}"]
    content {
      constraint {
        attribute = "${attr.unique.hostname}"
        value     = group.value
      }
      network {
        port "mesh" { static = 2101 }
        port "http" { static = 8080 }
      }
      restart {
        attempts = 100
        delay    = "2s"
        mode     = "delay"
      }
      task "wordcount" {
        driver = "exec"
        config {
          command = "/usr/local/bin/wordcount"
        }
        env {
          WEIR_PROCESS     = group.key
          WEIR_PROCESSES   = length(var.nodes)
          WEIR_HOSTS       = join(",", [for node in var.nodes : "${node}:2101"])
          WEIR_WORKERS     = 4
          WEIR_HTTP        = "0.0.0.0:8080"
          WEIR_SECRET_FILE = "${NOMAD_SECRETS_DIR}/secret"
        }
        template {
          data        = "{{ with nomadVar \"nomad/jobs/wordcount\" }}{{ .secret }}{{ end }}"
          destination = "secrets/secret"
        }
        resources {
          cores  = 4
          memory = 2048
        }
      }
    }
  }
}
