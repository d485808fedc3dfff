using System.Diagnostics;
using System.Reflection;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests;

/// <summary>What a test needs of the machine, or of the build; without it the test is skipped, and says why.</summary>
internal static class Requires
{
    /// <summary>Yama lets a process reach its descendants alone, and children of the test are none of each other.</summary>
    public static void NoYama()
    {
        const string File = "/proc/sys/kernel/yama/ptrace_scope";
        if (System.IO.File.Exists(File) && System.IO.File.ReadAllText(File).Trim() is not "0")
            Assert.Skip($"{File} is not 0: Yama forbids what this test does.");
    }

    /// <summary>A program with which the system must permit to run another one.</summary>
    public static void Program(string name, params ReadOnlySpan<string> arguments)
    {
        try
        {
            using ChildProcess trial = ChildProcess.StartProgram(name, [.. arguments, "true"]);
            trial.Finish();
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            Assert.Skip($"Needs '{name} {string.Join(' ', arguments.ToArray())}': {e.Message}");
        }
    }

    /// <summary>A file on a device: what is written to tmpfs goes to none.</summary>
    public static void NotTmpfs(string path)
    {
        if (new DriveInfo(path).DriveFormat is "tmpfs" or "ramfs")
            Assert.Skip($"{path} is in memory: needs a file system on a device.");
    }

    /// <summary>More than one processor for this process. Which there are.</summary>
    public static int[] SeveralProcessors()
    {
        int[] processors = Affinity.Processors;
        Assert.SkipUnless(processors.Length > 1, "One processor: this needs another.");
        return processors;
    }

    /// <summary>A build in Release: built for debugging, every asynchronous method allocates its state.</summary>
    public static void Release()
    {
        if (typeof(MessageQueue).Assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true })
            Assert.Skip("Built for debugging, every asynchronous method allocates its state: dotnet test -c Release.");
    }

    /// <summary>What a program changes the user of must be able to read a file of this checkout, which may be in a directory that is its owner's alone.</summary>
    public static void CanRead(ReadOnlySpan<string> behind, string file)
    {
        using ChildProcess trial = ChildProcess.StartProgram(behind[0], [.. behind[1..], "test", "-r", file]);
        if (trial.WaitForExit() != 0)
            Assert.Skip($"Behind '{string.Join(' ', behind.ToArray())}', {file} cannot be read: the checkout is in a directory that others may not enter.");
    }

    public static void Root()
    {
        if (Prctl.geteuid() != 0)
            Assert.Skip("Needs root, to start processes of other users.");
    }
}
