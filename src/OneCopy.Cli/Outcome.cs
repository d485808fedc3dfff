using System.Runtime.InteropServices;

namespace OneCopy.Cli;

/// <summary>How a command ends: 0 fine, 1 failed with a sentence, 130 or 143 interrupted. (2, wrong usage, is the parser's.)</summary>
internal static class Outcome
{
    public const int Failed = 1;

    /// <summary>Wrong usage that only the command itself can see.</summary>
    public const int Usage = 2;

    // 128 + the signal's number, as shells have it.
    private const int BySigInt = 130;
    private const int BySigTerm = 143;

    /// <summary>
    /// Runs a command. The first SIGINT or SIGTERM cancels its token, so that it can tidy up; a second one ends the process as if nobody had
    /// asked to be told.
    /// </summary>
    public static int Of(Func<CancellationToken, Task<int>> run)
    {
        using CancellationTokenSource interrupted = new();
        int code = 0;
        void OnSignal(PosixSignalContext context)
        {
            if (interrupted.IsCancellationRequested)
                return;
            context.Cancel = true;
            code = context.Signal == PosixSignal.SIGINT ? BySigInt : BySigTerm;
            interrupted.Cancel();
        }

        using PosixSignalRegistration onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        try
        {
            return run(interrupted.Token).GetAwaiter().GetResult();
        }
        catch (Exception) when (code != 0)
        {
            // Whatever broke while everything was being stopped is not what the user wants to read.
            Console.Error.WriteLine("Interrupted.");
            return code;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException or QueueCorruptException)
        {
            Console.Error.WriteLine(e.Message);
            return Failed;
        }
    }

    /// <summary>The same for a command that does not wait for anything.</summary>
    public static int Of(Func<int> run) => Of(_ => Task.FromResult(run()));
}
