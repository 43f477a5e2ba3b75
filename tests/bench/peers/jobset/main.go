// JobSet's controller as its own main starts it, without webhooks, certificates, probes and leader election:
// for benchmarks and interoperability tests against an API server that nothing else can be installed in.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	configapi "sigs.k8s.io/jobset/api/config/v1alpha1"
	jobset "sigs.k8s.io/jobset/api/jobset/v1alpha2"
	"sigs.k8s.io/jobset/pkg/config"
	"sigs.k8s.io/jobset/pkg/controllers"
)

func main() {
	unlimited := flag.Bool("unlimited", false, "no limit of the client and 10 workers, instead of the release's defaults (500 calls a second, 1 worker)")
	flag.Parse()
	logger := zap.New(zap.UseDevMode(false))
	ctrl.SetLogger(logger)
	if err := run(*unlimited); err != nil {
		logger.Error(err, "JobSet ended")
		os.Exit(1)
	}
}

func run(unlimited bool) error {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(jobset.AddToScheme(scheme))
	utilruntime.Must(configapi.AddToScheme(scheme))

	options, defaults, err := config.Load(scheme, "")
	if err != nil {
		return err
	}
	options.LeaderElection = false
	options.Metrics.BindAddress = "0"
	options.HealthProbeBindAddress = "0"

	connection, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	connection.QPS, connection.Burst = *defaults.ClientConnection.QPS, int(*defaults.ClientConnection.Burst)
	if unlimited {
		connection.QPS = -1
		options.Controller.MaxConcurrentReconciles = 10
	}
	manager, err := ctrl.NewManager(connection, options)
	if err != nil {
		return err
	}
	stop := ctrl.SetupSignalHandler()
	if err := controllers.SetupJobSetIndexes(stop, manager.GetFieldIndexer()); err != nil {
		return err
	}
	reconciler := controllers.NewJobSetReconciler(manager.GetClient(), manager.GetScheme(), manager.GetEventRecorder("jobset"))
	if err := reconciler.SetupWithManager(manager); err != nil {
		return err
	}
	return manager.Start(stop)
}
