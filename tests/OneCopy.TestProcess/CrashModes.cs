using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>The processes of the crash matrix: each reads what it is to do from standard input, line by line, and answers each line.</summary>
internal static class CrashModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("crash-actor", Act);
        modes.Add("crash-points-compiled", Compile);
    }

    /// <summary>ROOT NAME on|off ROUNDS: sends and receives so often that the compiler does its best, with crash points switched on or not.</summary>
    private static int Compile(string[] args)
    {
        if (args[2] is "on")
            AppContext.SetData(CrashPoint.Key, (Action<string>)(static _ => { }));
        using MessageQueue queue = QueueModes.Open(args);
        byte[] payload = new byte[16];
        for (int rounds = int.Parse(args[3]); rounds > 0; rounds--)
        {
            for (int i = 0; i < 500; i++)
            {
                queue.Send(payload);
                using ReceivedMessage message = queue.Receive();
                message.Complete();
            }

            // The compiler begins when nothing new was called for a while.
            CrashBoard.Nap(20);
        }

        return 0;
    }

    /// <summary>
    /// NUMBER BOARD: says "ready", then takes lines of commands (see <see cref="CrashActor"/>), separated by semicolons, and says "ok …" or "error …"
    /// for each line. BOARD is the file that the processes of a row share (<see cref="CrashBoard"/>).
    /// </summary>
    private static int Act(string[] args)
    {
        // Before the library is first used.
        AppContext.SetData(CrashPoint.Key, (Action<string>)CrashArm.Reached);
        CrashBoard.Map(args[1]);
        CrashActor actor = new(int.Parse(args[0]));
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            string answer;
            try
            {
                answer = "ok " + actor.Execute(line);
            }
            catch (Exception e)
            {
                answer = $"error {e.GetType().Name} {e.ToString().ReplaceLineEndings(" ")}";
            }

            CrashAccount.WriteLine(answer.TrimEnd());
        }

        return 0;
    }
}
