using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>The processes of the crash matrix: each reads what it is to do from standard input, line by line, and answers each line.</summary>
internal static class CrashModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes) => modes.Add("crash-actor", Act);

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
