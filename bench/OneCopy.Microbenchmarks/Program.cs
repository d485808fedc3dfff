using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// What the parts cost, in one process and with everything warm: for comparing a change with the state before it. What queues do between processes, `onecopy bench queue` measures.
//
//     dotnet run -c Release --project bench/OneCopy.Microbenchmarks -- --job short --filter '*'              # all, some three minutes
//     dotnet run -c Release --project bench/OneCopy.Microbenchmarks -- --job short --filter '*QueueLanes*'   # one class
//     dotnet run -c Release --project bench/OneCopy.Microbenchmarks -- --list flat                           # what there is
//
// Queues and files are made below /dev/shm and removed. Results go to BenchmarkDotNet.Artifacts in the current directory. The machine should have nothing else to do.
// In this process: BenchmarkDotNet's own build of a second project knows nothing of this repository's output folder.
IConfig config = DefaultConfig.Instance.AddDiagnoser(MemoryDiagnoser.Default);
if (args.Contains("short", StringComparer.OrdinalIgnoreCase))
{
    int job = Array.IndexOf(args, "--job");
    args = job < 0 ? args : [.. args[..job], .. args[(job + 2)..]];
    config = config.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
}
else
{
    config = config.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
