// Package nodesconf reads and writes nodes.conf, the file in which a Redis Cluster node keeps what
// it knows of the cluster, in the format of Redis 8.6.3. A line of CLUSTER NODES is the same
// text with less in it, so it is made here too.
//
// It refuses to guess: a file that is torn or damaged is an error that names the line, the column
// and the cause. It is stricter than Redis in two points, because Redis itself always writes both:
// the last line ends with a newline and there is a line of variables. So no proper prefix of a
// file is taken for the whole.
//
// It opens no file and gives lines no meaning beyond their form: which node owns what is the
// business of node/cluster.
package nodesconf
